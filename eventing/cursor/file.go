package cursor

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"
	"k8s.io/apimachinery/pkg/types"
)

// file is a file of bbolt. It has one bucket, with a bucket for each place under
// its "<namespace>/<name>".
type file struct{ db *bolt.DB }

var bucketPlaces = []byte("places")

// load reads all places. A record that cannot be read is an error: going on
// without it would deliver events again, or not at all.
func (f *file) load(_ context.Context, s *Store) error {
	return f.db.Update(func(tx *bolt.Tx) error {
		all, err := tx.CreateBucketIfNotExists(bucketPlaces)
		if err != nil {
			return err
		}
		return all.ForEachBucket(func(k []byte) error {
			namespace, name, _ := strings.Cut(string(k), "/")
			p := s.newPlace(types.NamespacedName{Namespace: namespace, Name: name})
			if err := all.Bucket(k).ForEach(p.load); err != nil {
				return fmt.Errorf("subscription %s: %w", k, err)
			}
			s.places[p.name] = p
			s.open.Add(int64(p.open()))
			return nil
		})
	})
}

// load takes up a record; they come in the order of their keys.
func (p *Place) load(k, v []byte) (err error) {
	if len(k) == 1 && k[0] == keyHead {
		p.head, err = decodeHead(v)
		return err
	}
	if len(k) != 9 {
		return errRecord
	}
	seq := binary.BigEndian.Uint64(k[1:])
	switch k[0] {
	case keyRange:
		to, err := decodeEnd(v)
		if err != nil || to < seq || len(p.done) > 0 && p.done[len(p.done)-1].to >= seq {
			return fmt.Errorf("the range from %d: %w", seq, errRecord)
		}
		p.done = append(p.done, span{seq, to})
		return nil
	case keyRetry:
		p.retries[seq], err = decodeEntry(v)
		return err
	}
	return errRecord
}

func (f *file) write(changes []change) error {
	return f.db.Update(func(tx *bolt.Tx) error {
		all := tx.Bucket(bucketPlaces)
		for _, c := range changes {
			if err := c.put(all); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *change) put(all *bolt.Bucket) error {
	k := []byte(c.name.String())
	if (c.gone || c.all) && all.Bucket(k) != nil {
		if err := all.DeleteBucket(k); err != nil {
			return err
		}
	}
	if c.gone {
		return nil
	}
	b, err := all.CreateBucketIfNotExists(k)
	for i := 0; err == nil && i < len(c.pairs); i++ {
		if pair := c.pairs[i]; pair.value == nil {
			err = b.Delete(pair.key)
		} else {
			err = b.Put(pair.key, pair.value)
		}
	}
	return err
}

func (*file) compact(func() []change) error { return nil }

func (f *file) close() error { return f.db.Close() }
