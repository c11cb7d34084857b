package access

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/signature"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// Secrets reads one Secret, without a cache.
type Secrets func(ctx context.Context, namespace, name string) (map[string][]byte, error)

// LiveSecrets reads from the API server; reader must have no cache.
func LiveSecrets(reader client.Reader) Secrets {
	return func(ctx context.Context, namespace, name string) (map[string][]byte, error) {
		var secret corev1.Secret
		if err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &secret); err != nil {
			return nil, err
		}
		return secret.Data, nil
	}
}

// missingKey is a Secret that does not have what the Channel names.
type missingKey struct{ reason string }

func (e *missingKey) Error() string { return e.reason }

// IsMissing reports whether a Secret has to be made or mended; else it may be
// readable later as it is.
func IsMissing(err error) bool { return errors.As(err, new(*missingKey)) }

// key reads the key that ref names; a *missingKey if there is none.
func (read Secrets) key(ctx context.Context, namespace string, ref v1alpha1.KeyRef) ([]byte, error) {
	data, err := read(ctx, namespace, ref.Name)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &missingKey{fmt.Sprintf("there is no Secret %s in namespace %s", ref.Name, namespace)}
	case err != nil:
		return nil, fmt.Errorf("reading Secret %s in namespace %s: %w", ref.Name, namespace, err)
	}
	text, ok := data[ref.Key]
	if !ok {
		return nil, &missingKey{fmt.Sprintf("Secret %s in namespace %s has no key %s", ref.Name, namespace, ref.Key)}
	}
	key, err := signature.StandardKey(text)
	if err != nil {
		return nil, &missingKey{fmt.Sprintf("key %s of Secret %s in namespace %s cannot be used: %v", ref.Key, ref.Name, namespace, err)}
	}
	return key, nil
}
