package eventing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/source"
)

// secretPause is how long the contents of a Secret are used before it is read
// again. One that is missing is looked for each statusPause.
const secretPause = 30 * time.Second

// secrets are the contents of those that Sources name. They are read one by one:
// watching all of a cluster would need the right to list them.
type secrets struct {
	// client asks the API server, not a cache.
	client client.Reader
	now    func() time.Time

	mu    sync.Mutex
	known map[types.NamespacedName]contents
}

func newSecrets(reader client.Reader) *secrets {
	return &secrets{client: reader, now: time.Now, known: map[types.NamespacedName]contents{}}
}

// contents are those of all Secrets of one Source.
type contents struct {
	at         time.Time
	generation int64
	uid        types.UID
	data       map[string]map[string][]byte
}

// missingSecret says what is missing.
type missingSecret struct{ text string }

func (m *missingSecret) Error() string { return m.text }

// read returns the contents that a Source needs; a *missingSecret if a Secret or a
// key is not there. While the API server does not answer they stay as they were.
func (s *secrets) read(ctx context.Context, object *v1alpha1.Source) (map[string]map[string][]byte, error) {
	name := client.ObjectKeyFromObject(object)
	s.mu.Lock()
	known, ok := s.known[name]
	s.mu.Unlock()
	ok = ok && known.uid == object.UID && known.generation == object.Generation
	if ok && s.now().Sub(known.at) < secretPause {
		return known.data, nil
	}
	data, err := s.ask(ctx, object)
	var missing *missingSecret
	switch {
	case err == nil:
		s.mu.Lock()
		s.known[name] = contents{s.now(), object.Generation, object.UID, data}
		s.mu.Unlock()
	case errors.As(err, &missing):
		s.forget(name)
	case ok:
		return known.data, nil
	}
	return data, err
}

func (s *secrets) ask(ctx context.Context, object *v1alpha1.Source) (map[string]map[string][]byte, error) {
	all := map[string]map[string][]byte{}
	needed := source.Secrets(&object.Spec)
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		var secret corev1.Secret
		err := s.client.Get(ctx, types.NamespacedName{Namespace: object.Namespace, Name: name}, &secret)
		if apierrors.IsNotFound(err) {
			return nil, &missingSecret{fmt.Sprintf("Secret %q does not exist in namespace %s; make it there. Nothing is taken from the source before that", name, object.Namespace)}
		} else if err != nil {
			return nil, fmt.Errorf("reading Secret %s/%s: %w", object.Namespace, name, err)
		}
		for _, key := range needed[name] {
			if len(secret.Data[key]) == 0 {
				return nil, &missingSecret{fmt.Sprintf("Secret %q of namespace %s has nothing under the key %q; add it. Nothing is taken from the source before that", name, object.Namespace, key)}
			}
		}
		all[name] = secret.Data
	}
	return all, nil
}

// forget what was read for a Source.
func (s *secrets) forget(name types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, name)
}
