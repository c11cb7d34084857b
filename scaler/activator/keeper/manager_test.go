package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTakingOver: when the only member that is ready is this one, when does it
// give out the one pod, given what the other one, which leaves, says?
func TestTakingOver(t *testing.T) {
	one := map[string]int{"1": 1}
	for _, c := range []struct {
		name string
		says func(after time.Duration) (Held, error)
		from time.Duration // when the pod is given out; 0 is at once
	}{
		{"holds nothing", func(time.Duration) (Held, error) { return Held{}, nil }, 0},
		{"keeps for a second", func(after time.Duration) (Held, error) { return Held{Mine: after < time.Second}, nil }, time.Second},
		{"has a request for two seconds", func(after time.Duration) (Held, error) {
			if after < 2*time.Second {
				return Held{InFlight: one}, nil
			}
			return Held{}, nil
		}, 2 * time.Second},
		{"runs no more", func(time.Duration) (Held, error) {
			return Held{}, fmt.Errorf("asking: %w", syscall.ECONNREFUSED)
		}, 0},
		{"is silent", func(time.Duration) (Held, error) { return Held{}, errors.New("i/o timeout") }, silence},
		{"is silent at first", func(after time.Duration) (Held, error) {
			if after < time.Second {
				return Held{}, errors.New("i/o timeout")
			}
			return Held{}, nil
		}, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key := table.Key{Namespace: "default", Name: "shop-1"}
				rev := backend.NewRevision(backend.Settings{Namespace: key.Namespace, Name: key.Name, Limit: 1, Timeout: time.Minute}, backend.Hooks{})
				defer rev.Close()
				rev.Share()
				rev.Update([]backend.Endpoint{{UID: "1", Addr: "10.0.0.1:80", Ready: true}})
				var tables atomic.Pointer[table.Table]
				tables.Store(table.Compile(nil, map[table.Key]*backend.Revision{key: rev}))
				began := time.Now()
				m := &Manager{
					Self: "a", Tables: &tables, PeerPort: "1", Logger: slog.New(slog.DiscardHandler),
					Ask: func(_ context.Context, member Member, k table.Key) (Held, error) {
						if member.Name != "b" || k != key {
							t.Errorf("asked %v for %v", member, k)
						}
						return c.says(time.Since(began))
					},
				}
				defer m.Close()
				m.Assign()
				synctest.Wait()
				if _, ok := rev.TryAcquire(); ok {
					t.Fatal("a pod was given out before the members are known")
				}
				m.SetMembers([]Member{{Name: "a", IP: "10.0.1.1", Ready: true}, {Name: "b", IP: "10.0.1.2"}})
				if _, err := rev.Acquire(t.Context()); err != nil {
					t.Fatal(err)
				}
				if at := time.Since(began); at < c.from || at > c.from+2*askEvery {
					t.Errorf("given out after %s, want %s", at, c.from)
				}
				if mine, held := rev.Held(); !mine || held["1"] != 1 {
					t.Errorf("says %v, %v of itself", mine, held)
				}
			})
		})
	}
}

func TestRoleFollowsTheMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tables atomic.Pointer[table.Table]
		revs := map[table.Key]*backend.Revision{}
		for i, limit := range []int{0, 1, 1, 1, 1, 1, 1, 1, 1} {
			s := backend.Settings{Namespace: "default", Name: fmt.Sprint("shop-", i), Limit: limit, Timeout: time.Minute}
			rev := backend.NewRevision(s, backend.Hooks{})
			defer rev.Close()
			revs[table.Key{Namespace: s.Namespace, Name: s.Name}] = rev
		}
		tables.Store(table.Compile(nil, revs))
		m := &Manager{
			Self: "a", Tables: &tables, PeerPort: "1", Logger: slog.New(slog.DiscardHandler),
			Ask: func(context.Context, Member, table.Key) (Held, error) { return Held{}, nil },
		}
		defer m.Close()
		for _, ready := range []bool{true, false, true} {
			members := []Member{{Name: "a", IP: "10.0.1.1", Ready: true}, {Name: "b", IP: "10.0.1.2", Ready: ready}}
			m.SetMembers(members)
			time.Sleep(time.Second)
			mineOf := 0
			for key, rev := range revs {
				want := rev.Limit == 0 || Choose(members, "a", key).Name == "a"
				if mine, _ := rev.Held(); mine != want {
					t.Errorf("%s: mine %v, want %v", key.Name, mine, want)
				} else if mine {
					mineOf++
				}
			}
			if ready && (mineOf < 2 || mineOf == len(revs)) {
				t.Errorf("%d of %d revisions are kept here, want some", mineOf, len(revs))
			}
		}
	})
}
