package probe

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPorts(t *testing.T) {
	refused := fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
	blocked := errors.New("no route")
	for _, test := range []struct {
		name   string
		answer map[string]error // missing: other
		other  error
		port   int32
		want   Listening
	}{
		{"another port", map[string]error{"10.0.0.1:3000": nil}, refused, 8080, Listening{Reached: true, Ports: []int32{3000}}},
		{"the port itself", map[string]error{"10.0.0.1:7777": nil, "10.0.0.1:80": nil}, refused, 7777, Listening{Reached: true, Ports: []int32{80, 7777}}},
		{"nothing", nil, refused, 8080, Listening{Reached: true}},
		{"not to be reached", nil, blocked, 8080, Listening{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ports := NewPorts()
			var tries atomic.Int32
			ports.dial = func(_ context.Context, address string) error {
				tries.Add(1)
				if err, ok := test.answer[address]; ok {
					return err
				}
				return test.other
			}
			if diff := cmp.Diff(Listening{}, ports.Known("pod")); diff != "" {
				t.Errorf("before (-want +got):\n%s", diff)
			}
			for range 2 {
				if diff := cmp.Diff(test.want, ports.Find(t.Context(), "pod", "c1", "10.0.0.1", test.port)); diff != "" {
					t.Errorf("found (-want +got):\n%s", diff)
				}
			}
			if once := tries.Load(); int(once) > len(usual)+1 {
				t.Errorf("%d connections for one container", once)
			}
			if diff := cmp.Diff(test.want, ports.Known("pod")); diff != "" {
				t.Errorf("known (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPortsOfTheNextContainer: what is known of a pod lasts until its next
// container was looked at.
func TestPortsOfTheNextContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ports := NewPorts()
		open := "h:3000"
		ports.dial = func(ctx context.Context, address string) error {
			if address == open {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		begin := time.Now()
		if found := ports.Find(t.Context(), "pod", "c1", "h", 8080); len(found.Ports) != 1 || time.Since(begin) != scanLimit {
			t.Errorf("found %+v after %s", found, time.Since(begin))
		}
		open = "h:5000"
		if found := ports.Known("pod"); found.Ports[0] != 3000 {
			t.Errorf("known %+v", found)
		}
		if found := ports.Find(t.Context(), "pod", "c2", "h", 8080); found.Ports[0] != 5000 {
			t.Errorf("found %+v", found)
		}
		time.Sleep(remember + time.Second)
		ports.Find(t.Context(), "other", "c3", "h", 8080)
		if found := ports.Known("pod"); found.Reached {
			t.Errorf("a pod that is gone is still known: %+v", found)
		}
	})
}

func TestDialRefused(t *testing.T) {
	if err := dial(t.Context(), "127.0.0.1:1"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error = %v, want a refusal", err)
	}
}
