package backend

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestColdStartIsSplit(t *testing.T) {
	for _, tc := range []struct {
		name  string
		cause func(t *testing.T, d *dormitory, p *Pool)
		want  string
	}{
		{"from zero", func(t *testing.T, d *dormitory, p *Pool) {
			waits := request(t, p)
			time.Sleep(300 * time.Millisecond)
			d.start = 95 * time.Millisecond
			d.wake("z")
			p.Update([]Endpoint{{UID: "1", Name: "new", Addr: "z:80"}})
			<-waits
		}, "[zero 300ms 95ms]"},
		{"a pod was starting", func(t *testing.T, d *dormitory, p *Pool) {
			p.Update([]Endpoint{{UID: "1", Name: "new", Addr: "z:80"}})
			time.Sleep(time.Minute)
			waits := request(t, p)
			time.Sleep(2 * time.Second)
			p.Update([]Endpoint{{UID: "1", Name: "new", Addr: "z:80", Ready: true}})
			<-waits
		}, "[zero 0s 2s]"},
		{"from a parked pod", func(t *testing.T, d *dormitory, p *Pool) {
			p.Update([]Endpoint{parkedPod("a", 1)})
			time.Sleep(time.Minute)
			<-request(t, p)
		}, "[parked 1ms 10ms]"},
		{"old pods are draining", func(t *testing.T, d *dormitory, p *Pool) {
			old := Endpoint{UID: "1", Name: "old", Addr: "z:80", Ready: true}
			p.Update([]Endpoint{old})
			old.Draining = true
			p.Update([]Endpoint{old, parkedPod("a", 1)})
			<-request(t, p)
		}, "[parked 1ms 10ms]"},
		{"a pod was unwell", func(t *testing.T, d *dormitory, p *Pool) {
			p.Update([]Endpoint{{UID: "1", Name: "old", Addr: "z:80", Ready: true}})
			mustAcquire(t, p).Unreachable()
			d.wake("z")
			<-request(t, p)
		}, "[]"},
		{"given up", func(t *testing.T, d *dormitory, p *Pool) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _ = p.Acquire(ctx)
			p.Update([]Endpoint{{UID: "1", Name: "late", Addr: "z:80", Ready: true}})
		}, "[]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDormitory()
				p := d.pool(t, 0)
				var told []string
				p.hooks.Started = func(parked bool, pod, app time.Duration) {
					from := "zero"
					if parked {
						from = "parked"
					}
					told = append(told, fmt.Sprint(from, " ", pod, " ", app))
				}
				tc.cause(t, d, p)
				synctest.Wait()
				if got := "[" + strings.Join(told, ", ") + "]"; got != tc.want {
					t.Errorf("told %s, want %s", got, tc.want)
				}
			})
		})
	}
}
