package cursor

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A message of the log is a version and changes: what kind of change, the name,
// the number of pairs, and each pair's key and value. A value's length is one
// more than it is; 0 is a key that is deleted.
const (
	changeSome = iota
	changeAll
	changeGone
)

// encode puts changes into as few messages as there is need for.
func encode(changes []change) [][]byte {
	var out [][]byte
	message := []byte{version}
	for _, c := range changes {
		kind := byte(changeSome)
		if c.gone {
			kind = changeGone
		} else if c.all {
			kind = changeAll
		}
		for first := true; first || len(c.pairs) > 0; first = false {
			if len(message) >= messageBytes {
				out, message = append(out, message), []byte{version}
			}
			n := min(len(c.pairs), messageBytes/64)
			message = append(message, kind)
			message = appendBytes(message, []byte(c.name.String()), 0)
			message = binary.AppendUvarint(message, uint64(n))
			for _, p := range c.pairs[:n] {
				message = appendBytes(message, p.key, 0)
				if p.value == nil {
					message = append(message, 0)
				} else {
					message = appendBytes(message, p.value, 1)
				}
			}
			c.pairs, kind = c.pairs[n:], changeSome
		}
	}
	return append(out, message)
}

func appendBytes(dst, b []byte, more int) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)+more))
	return append(dst, b...)
}

// replay makes the changes of a message.
func (s *Store) replay(message []byte) error {
	if len(message) == 0 {
		return nil // a claim, or the begin of everything
	}
	r, err := opened(message)
	if err != nil {
		return err
	}
	for len(r.rest) > 0 && r.err == nil {
		kind := r.bytes(1)
		name, ok := parseName(string(r.bytes(int(r.length()))))
		n := r.length()
		if r.err != nil || !ok || kind[0] > changeGone {
			return errRecord
		}
		p := s.places[name]
		if p == nil || kind[0] != changeSome {
			p = s.newPlace(name)
			s.places[name] = p
		}
		if kind[0] == changeGone {
			delete(s.places, name)
		}
		for ; n > 0; n-- {
			k := r.bytes(int(r.length()))
			var v []byte
			if size := r.length(); size > 0 {
				v = r.bytes(int(size - 1))
			}
			if r.err != nil {
				return r.err
			}
			if err := p.replay(k, v, v != nil); err != nil {
				return err
			}
		}
	}
	return r.err
}

// replay makes one change. In between, ranges may overlap.
func (p *Place) replay(k, v []byte, put bool) (err error) {
	if len(k) == 1 && k[0] == keyHead && put {
		p.head, err = decodeHead(v)
		return err
	}
	if len(k) != 9 {
		return errRecord
	}
	seq := binary.BigEndian.Uint64(k[1:])
	switch k[0] {
	case keyRange:
		i, there := slices.BinarySearchFunc(p.done, seq, func(s span, seq uint64) int { return cmp.Compare(s.from, seq) })
		switch {
		case !put && there:
			p.done = slices.Delete(p.done, i, i+1)
		case put:
			to, err := decodeEnd(v)
			if err != nil {
				return err
			}
			if there {
				p.done[i].to = to
			} else {
				p.done = slices.Insert(p.done, i, span{seq, to})
			}
		}
		return nil
	case keyRetry:
		if !put {
			delete(p.retries, seq)
			return nil
		}
		p.retries[seq], err = decodeEntry(v)
		return err
	}
	return errRecord
}
