package cursor

import (
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// watched is a disk that looks at what is written.
type watched struct {
	disk
	look func([]change)
}

func (w watched) write(changes []change) error {
	w.look(changes)
	return w.disk.write(changes)
}

var bill = types.NamespacedName{Namespace: "shop", Name: "bill"}

// What is recorded together is never written apart.
func TestTogether(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "cursors"), time.Now)
	defer closeStore(t, s)
	s.disk = watched{s.disk, func(changes []change) {
		floors := map[types.NamespacedName]uint64{}
		for _, c := range changes {
			for _, p := range c.pairs {
				if h, err := decodeHead(p.value); p.key[0] == keyHead && err == nil {
					floors[c.name] = h.floor
				}
			}
		}
		if floors[mail] != floors[bill] {
			t.Errorf("written together: %v", floors)
		}
	}}
	one, _ := s.Place(mail, "orders")
	two, _ := s.Place(bill, "orders")
	s.Together(func() {
		one.Begin("orders", 0)
		two.Begin("orders", 0)
	})
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for seq := uint64(1); ; seq++ {
			select {
			case <-stop:
				return
			default:
			}
			s.Together(func() {
				one.End(seq, Delivered)
				two.End(seq, Delivered)
			})
		}
	}()
	for range 50 {
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-ended
	if one.Counts() != two.Counts() || one.Counts().Floor == 0 {
		t.Errorf("at the end %+v and %+v", one.Counts(), two.Counts())
	}
}
