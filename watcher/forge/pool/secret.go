package pool

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/credentials"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/gitea"
	"github.com/headway-dev/headway/watcher/forge/github"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

// secret reads the Secret with the credentials for a forge. field is where the
// Repository names it.
func (p *Pool) secret(ctx context.Context, repo *v1alpha1.Repository) (data map[string][]byte, field string, err error) {
	ref, field := repo.Spec.Forge.SecretRef, "spec.forge.secretRef"
	if ref == nil {
		ref, field = repo.Spec.SecretRef, "spec.secretRef"
	}
	if ref == nil {
		return nil, field, invalid("%s knows pull requests only for those who may see them; make a Secret with the key token and name it in spec.forge.secretRef", "the forge")
	}
	secret := &corev1.Secret{}
	err = p.secrets.Get(ctx, types.NamespacedName{Namespace: repo.Namespace, Name: ref.Name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, field, invalid("there is no Secret %q in namespace %s; create it, or correct %s", ref.Name, repo.Namespace, field)
	case err != nil:
		return nil, field, fmt.Errorf("reading secret %s: %w", ref.Name, err)
	}
	return secret.Data, field, nil
}

// authorizer makes credentials of a Secret for a forge of a kind. app is what a
// GitHub App needs beside.
func authorizer(kind, field string, secret map[string][]byte, app github.App) (rest.Authorizer, error) {
	text := func(key string) string { return credentials.Text(secret, key) }
	if id := text(credentials.KeyAppID); id != "" && kind == github.Name {
		key, err := github.ReadKey(secret[credentials.KeyPrivateKey])
		if err != nil {
			return nil, invalid("the key %s of the Secret that %s names %v; GitHub gives one in PEM form on the page of the App", credentials.KeyPrivateKey, field, err)
		}
		app.ID, app.Key = id, key
		return github.NewApp(app), nil
	}
	token, password := text(credentials.KeyToken), text(credentials.KeyPassword)
	switch {
	case token != "" && kind == gitea.Name:
		return rest.Token{Scheme: "token", Value: token}, nil
	case password != "" && token == "" && kind == gitea.Name && text(credentials.KeyUsername) != "":
		return rest.Basic{Username: text(credentials.KeyUsername), Password: password}, nil
	case cmp.Or(token, password) != "":
		return rest.Token{Scheme: "Bearer", Value: cmp.Or(token, password)}, nil
	}
	more := ""
	if kind == github.Name {
		more = ", or appID and privateKey of a GitHub App,"
	}
	return nil, invalid("the Secret that %s names has no token for the API of the forge; give it the key token%s, or name another one in spec.forge.secretRef", field, more)
}

func invalid(format string, args ...any) *forge.Error {
	return forge.Errorf(v1alpha1.ReasonSecretInvalid, format, args...)
}

// digest identifies texts, and tells nothing of them.
func digest(secret map[string][]byte, texts ...string) [sha256.Size]byte {
	h := sha256.New()
	put := func(b []byte) {
		_ = binary.Write(h, binary.BigEndian, uint64(len(b)))
		h.Write(b)
	}
	for _, text := range texts {
		put([]byte(text))
	}
	for _, key := range slices.Sorted(maps.Keys(secret)) {
		put([]byte(key))
		put(secret[key])
	}
	return [sha256.Size]byte(h.Sum(nil))
}
