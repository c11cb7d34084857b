//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// The orders of the test: each customer sends so many, one after the other, and
// every badEvery-th cannot be charged.
const ordersEach, badEvery = 40, 20

var customers = []string{"ada", "ben", "cleo", "dan", "eve"}

// seenOrder is an event as examples/orders shows it.
type seenOrder struct {
	ID, Type, Subject, Reason string
	Times                     int
}

// TestOrders: what is sent to examples/orders while it sleeps, and while eventing
// is killed, comes to each of its handlers: all of it, and in order where that is
// asked for. What is refused becomes a dead letter.
func TestOrders(t *testing.T) {
	tm := newTeam(t)
	code := tm.clone("orders")
	commit := code.push("First")
	code.watch()
	tm.waitLive("orders", commit)
	for _, name := range []string{"orders-charge", "orders-mail", "orders-receipt", "orders-dead"} {
		tm.waitDelivering(name)
	}
	tm.waitAsleep(revisionName("orders", commit))

	tm.headway("events", "send", "orders", "--type=order.cancelled", "--id=by-hand")
	killed := tm.sendOrders()
	if killed == 0 {
		t.Error("eventing was not killed while events were sent")
	}
	charged, refused := orderIDs(func(bad bool) bool { return !bad }), orderIDs(func(bad bool) bool { return bad })
	all := slices.Concat(charged, refused)
	eventually(t, 2*soon, "every event has come", func() error {
		book := tm.book()
		return errors.Join(
			wantOrders(book["charge"], "order.created", charged),
			wantOrders(book["mail"], "order.created", all),
			wantOrders(book["mail"], "order.cancelled", []string{"by-hand"}),
			wantOrders(book["mail"], "order.charged", prefixed("charge-", charged)),
			wantOrders(book["dead"], "order.created", refused),
		)
	})
	book := tm.book()
	again := 0
	for handler, orders := range book {
		for _, order := range orders {
			again += order.Times - 1
			if handler == "dead" && !strings.Contains(order.Reason, "400") {
				t.Errorf("dead letter %s: the reason is %q", order.ID, order.Reason)
			}
		}
	}
	t.Logf("%d deliveries were repeated after %d kills", again, killed)
	for _, customer := range customers {
		tm.wantInOrder(book["charge"], customer)
	}
	tm.waitCounted("orders-charge", int64(len(refused)))
}

// waitDelivering waits until a subscription has its place.
func (tm *team) waitDelivering(name string) {
	tm.Helper()
	eventually(tm.T, soon, name+" delivers", func() error {
		s := &v1alpha1.Subscription{}
		if err := tm.get(name, s); err != nil {
			return err
		}
		return condition(s.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonDelivering)
	})
}

// waitCounted waits until the status of a subscription has nothing left to do, and
// so many dead letters.
func (tm *team) waitCounted(name string, dead int64) {
	tm.Helper()
	eventually(tm.T, soon, "the status of "+name+" is up to date", func() error {
		s := &v1alpha1.Subscription{}
		if err := tm.get(name, s); err != nil {
			return err
		}
		return errors.Join(want("lag", s.Status.Lag, 0), want("retrying", s.Status.Retrying, 0), want("dead", s.Status.Dead, dead))
	})
}

func orderID(customer string, n int) string { return fmt.Sprintf("%s-%02d", customer, n) }

func isBad(n int) bool { return n%badEvery == 0 }

func orderIDs(wanted func(bad bool) bool) (ids []string) {
	for _, customer := range customers {
		for n := range ordersEach {
			if wanted(isBad(n)) {
				ids = append(ids, orderID(customer, n))
			}
		}
	}
	return ids
}

func prefixed(prefix string, ids []string) (all []string) {
	for _, id := range ids {
		all = append(all, prefix+id)
	}
	return all
}

// sendOrders sends the orders of all customers at the same time. An order that is
// not accepted is sent again: it is the same event. Eventing is killed twice
// meanwhile; it returns how often.
func (tm *team) sendOrders() (killed int) {
	tm.Helper()
	url := tm.channelURL("orders")
	var accepted atomic.Int64
	var senders sync.WaitGroup
	for _, customer := range customers {
		senders.Go(func() {
			for n := range ordersEach {
				tm.sendOrder(url, customer, n)
				accepted.Add(1)
			}
		})
	}
	done := make(chan struct{})
	go func() { senders.Wait(); close(done) }()
	for _, after := range []int64{60, 140} {
		for accepted.Load() < after {
			select {
			case <-done:
				return killed
			case <-time.After(time.Millisecond):
			}
		}
		killed += killProgram(tm.T, "/headway/eventing")
	}
	<-done
	return killed
}

// channelURL is where events for a channel are sent, from this machine.
func (tm *team) channelURL(channel string) string {
	tm.Helper()
	service := &corev1.Service{}
	if err := kube.Get(tm.Context(), client.ObjectKey{Namespace: localcluster.SystemNamespace, Name: "headway-events"}, service); err != nil {
		tm.Fatal(err)
	}
	return "http://" + service.Spec.ClusterIP + "/" + tm.namespace + "/" + channel
}

func (tm *team) sendOrder(url, customer string, n int) {
	amount := 10 + n
	if isBad(n) {
		amount = 0
	}
	var last error
	for tm.Context().Err() == nil {
		request, err := http.NewRequestWithContext(tm.Context(), http.MethodPost, url, bytes.NewReader(fmt.Appendf(nil, `{"amount": %d}`, amount)))
		if err != nil {
			tm.Error(err)
			return
		}
		for name, value := range map[string]string{"specversion": "1.0", "id": orderID(customer, n), "source": "/e2e", "type": "order.created", "subject": customer} {
			request.Header.Set("ce-"+name, value)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusAccepted {
				return
			}
			err = errors.New(response.Status)
		}
		last = err
		time.Sleep(50 * time.Millisecond)
	}
	tm.Errorf("order %s was never accepted: %v", orderID(customer, n), last)
}

// killProgram kills the processes of a program in all pods of this machine.
func killProgram(t *testing.T, path string) (killed int) {
	t.Helper()
	return killProcesses(t, path, nil)
}

// processes are those of a program in the pods of this machine.
func processes(t *testing.T, path string) (pids []int) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		var pid int
		if target, err := os.Readlink(link); err != nil || target != path {
			continue
		}
		if _, err := fmt.Sscanf(link, "/proc/%d/exe", &pid); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// book asks examples/orders what it has seen.
func (tm *team) book() map[string][]seenOrder {
	tm.Helper()
	answer, err := localcluster.Fetch(tm.Context(), localcluster.Browser(), tm.url("orders"))
	if err != nil {
		tm.Fatal(err)
	}
	book := map[string][]seenOrder{}
	if err := json.Unmarshal([]byte(answer.Body), &book); err != nil {
		tm.Fatalf("examples/orders answers %q: %v", answer.Body, err)
	}
	return book
}

// wantOrders is an error unless exactly these have come with a type.
func wantOrders(seen []seenOrder, kind string, ids []string) error {
	missing := map[string]bool{}
	for _, id := range ids {
		missing[id] = true
	}
	for _, order := range seen {
		if order.Type != kind {
			continue
		}
		if !slices.Contains(ids, order.ID) {
			return fmt.Errorf("%s %s has come, which is none of the %d", kind, order.ID, len(ids))
		}
		delete(missing, order.ID)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d of %d %s are missing, such as %s", len(missing), len(ids), kind, slices.Sorted(maps.Keys(missing))[0])
	}
	return nil
}

// wantInOrder fails the test unless the orders of a customer came first in the
// order in which they were sent.
func (tm *team) wantInOrder(seen []seenOrder, customer string) {
	tm.Helper()
	last := ""
	for _, order := range seen {
		if order.Subject != customer {
			continue
		}
		if order.ID < last {
			tm.Errorf("%s came after %s", order.ID, last)
		}
		last = order.ID
	}
}
