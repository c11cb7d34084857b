package story

// carry remembers anew what a segment has of namespaces that have less than their
// part of the whole, so that those with very many events do not push out the
// others: each keeps at least the newest half of what it would have if all had the
// same. It is less than half of a segment on the average, as these parts together
// are half of the whole. Called with disk held.
func (s *Store) carry(oldest *segment) {
	all := map[string]int64{}
	for _, one := range s.sealed {
		for namespace, bytes := range one.tail.Bytes {
			all[namespace] += bytes
		}
	}
	part := s.most / int64(2*max(len(all), 1))
	few := false
	for namespace := range oldest.tail.Bytes {
		few = few || all[namespace] < part
	}
	if !few {
		return
	}
	err := each(oldest.log, func(r record, _, _ int) {
		if channel, _ := r.of(); all[channel.Namespace] < part {
			s.add(r)
		}
	})
	if err != nil {
		s.lost(err)
	}
}
