package watcher

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestDrippingServersStopNoOther: while eight servers, and then as many as one
// namespace gets, send a byte of a fetch and no more, another Repository is looked
// at as if they were not there.
func TestDrippingServersStopNoOther(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", shop)
	to, err := url.Parse(w.http.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	dripping := make(chan struct{}, 100)
	ctx, stop := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			proxy.ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		_, _ = rw.Write([]byte("0"))
		_ = http.NewResponseController(rw).Flush()
		dripping <- struct{}{}
		<-ctx.Done()
	}))
	defer server.Close()
	var looks sync.WaitGroup
	defer looks.Wait()
	defer stop()
	for n := range mostOfOneSpace {
		repo := &v1alpha1.Repository{
			ObjectMeta: metav1.ObjectMeta{Namespace: "drips", Name: fmt.Sprint("drip-", n), UID: types.UID(fmt.Sprint("drip-", n)), Generation: 1},
			Spec:       w.repo().Spec,
		}
		repo.Spec.URL = server.URL + "/repo.git"
		must(t, w.client.Create(t.Context(), repo))
		looks.Go(func() {
			_, _ = w.r.Reconcile(ctx, ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "drips", Name: repo.Name}})
		})
		<-dripping
		if n == 7 {
			w.look()
			w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
		}
	}
	w.change(func(r *v1alpha1.Repository) { r.Spec.URL = "http://localhost:" + to.Port() + "/repo.git" })
	w.git.CommitAndPush("second", map[string]string{"main.go": "package main // 2\n\nfunc main() {}\n"})
	w.look()
	if len(w.revisions()) != 2 {
		t.Errorf("%d revisions, want 2: the second commit is not seen", len(w.revisions()))
	}
}
