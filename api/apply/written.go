package apply

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Written remembers the version of each object of one kind that this process
// wrote last, so that a reconciliation does not start from a cache that has not
// seen that write. The event of the write is on its way and starts the next
// one. The zero value is ready; it is safe for concurrent use.
type Written struct {
	mu       sync.Mutex
	versions map[types.NamespacedName]string
}

// Note remembers the version that the API server answered to a write.
func (w *Written) Note(o client.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.versions == nil {
		w.versions = map[types.NamespacedName]string{}
	}
	w.versions[client.ObjectKeyFromObject(o)] = o.GetResourceVersion()
}

// Ahead reports whether a later version than the one read was written.
func (w *Written) Ahead(read client.Object) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := client.ObjectKeyFromObject(read)
	order, err := resourceversion.CompareResourceVersion(w.versions[key], read.GetResourceVersion())
	if err == nil && order > 0 {
		return true
	}
	delete(w.versions, key) // caught up
	return false
}

// Forget drops an object that is gone.
func (w *Written) Forget(key types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.versions, key)
}
