package app

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// TestUrgently has an App whose trial has news pass those that wait, although it
// has failed before and should rest.
func TestUrgently(t *testing.T) {
	queue := priorityqueue.New("apps", func(o *priorityqueue.Opts[reconcile.Request]) {
		o.RateLimiter = workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](time.Hour, time.Hour)
	})
	defer queue.ShutDown()
	request := func(name string) reconcile.Request {
		return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "default", Name: name}}
	}
	for i := range 100 {
		queue.Add(request(fmt.Sprint("other-", i)))
	}
	queue.AddRateLimited(request("hello"))
	urgently.Generic(t.Context(), event.GenericEvent{Object: newApp("")}, queue)
	if first, _ := queue.Get(); first != request("hello") {
		t.Errorf("%s comes first", first)
	}
}
