package github

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

const (
	// renewBefore is how long before its end a token is replaced. It lives for an
	// hour.
	renewBefore = 5 * time.Minute
	// renewAfter is the least age of a token that is replaced because it was
	// refused.
	renewAfter = 10 * time.Second
	// jwtFor is how long a JWT counts; GitHub takes ten minutes at most. jwtSkew is
	// for a clock that is ahead of GitHub's.
	jwtFor, jwtSkew = 9 * time.Minute, time.Minute
)

// needed are the permissions of an App that Headway has a use for.
var needed = map[string]string{"metadata": "read", "contents": "read", "pull_requests": "write", "statuses": "write", "deployments": "write"}

// App is a GitHub App, and the repository that it is used for.
type App struct {
	// ID is the App's id or client id.
	ID  string
	Key *rsa.PrivateKey
	// Base is the address of the API.
	Base        *url.URL
	Account     *rest.Account
	Owner, Name string
}

// Installation is an App where it is installed. Its tokens are made for its one
// repository, with no more than the needed permissions, and renewed before they
// end. It is an Authorizer.
type Installation struct {
	app App
	// api asks as the App itself.
	api *rest.Client
	// turn has one place: tokens are made one at a time.
	turn chan struct{}

	mu    sync.Mutex
	token token
	// granted are the permissions, and slug the App's name, as of the last token.
	granted map[string]string
	slug    string
	// jwt is the last one; for Secrets.
	jwt string
}

type token struct {
	Value   string    `json:"token"`
	Expires time.Time `json:"expires_at"`
	made    time.Time
}

// ReadKey reads the private key of an App, in PEM form. The error completes "the
// key ...".
func ReadKey(data []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("is not in PEM form")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := key.(*rsa.PrivateKey); ok && err == nil {
		return key, nil
	}
	return nil, errors.New("is not an RSA key")
}

// NewApp makes the Authorizer of an App.
func NewApp(app App) *Installation {
	i := &Installation{app: app, turn: make(chan struct{}, 1)}
	i.api = rest.New(rest.Config{Forge: Name, Base: app.Base, Repository: app.Owner + "/" + app.Name, Auth: asApp{i}, Account: app.Account, Header: header()})
	return i
}

// Authorize adds a token, and makes one first where there is none that counts.
func (i *Installation) Authorize(ctx context.Context, req *http.Request) error {
	value, err := i.current(ctx)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+value)
	return nil
}

// Renew drops a token that was refused before its time, as one is that was
// revoked.
func (i *Installation) Renew() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.token.Value != "" && time.Since(i.token.made) < renewAfter {
		return false
	}
	i.token = token{}
	return true
}

// Secrets are the token and what it is made with.
func (i *Installation) Secrets() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return []string{i.token.Value, i.jwt}
}

func (i *Installation) current(ctx context.Context) (string, error) {
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	i.mu.Lock()
	t := i.token
	i.mu.Unlock()
	if t.Value != "" && time.Until(t.Expires) > renewBefore {
		return t.Value, nil
	}
	return i.renew(ctx)
}

var installed = forge.Right{Name: "installation of the App", For: "act as the GitHub App"}

// renew finds the installation and makes a token.
func (i *Installation) renew(ctx context.Context) (string, error) {
	var found struct {
		ID          int64
		Slug        string `json:"app_slug"`
		Permissions map[string]string
		Suspended   *time.Time `json:"suspended_at"`
	}
	_, err := i.api.Do(ctx, rest.Call{Path: rest.Path("repos", i.app.Owner, i.app.Name, "installation"), Into: &found, Right: installed, Repository: true})
	var failure *forge.Error
	switch {
	case errors.As(err, &failure) && failure.Status == http.StatusNotFound:
		return "", &forge.Error{Reason: v1alpha1.ReasonRightMissing, Status: failure.Status, RetryAfter: failure.RetryAfter,
			Message: fmt.Sprintf("the GitHub App is not installed for %s/%s; install it there, on the page of the App", i.app.Owner, i.app.Name)}
	case err != nil:
		return "", err
	case found.Suspended != nil:
		return "", forge.Errorf(v1alpha1.ReasonRightMissing, "the GitHub App is suspended for %s; let its owner unsuspend it, in the settings under Applications", i.app.Owner)
	}
	permissions := map[string]string{}
	for name, level := range needed {
		if has := found.Permissions[name]; has == "read" {
			permissions[name] = has
		} else if has != "" {
			permissions[name] = level
		}
	}
	body := map[string]any{"repositories": []string{i.app.Name}, "permissions": permissions}
	call := rest.Call{Method: http.MethodPost, Path: rest.Path("app", "installations", strconv.FormatInt(found.ID, 10), "access_tokens"), Body: body, Right: installed}
	var t token
	call.Into = &t
	_, err = i.api.Do(ctx, call)
	if forge.StatusOf(err) == http.StatusUnprocessableEntity {
		delete(body, "repositories") // it has another name by now
		_, err = i.api.Do(ctx, call)
	}
	if err != nil {
		return "", err
	}
	if t.Value == "" {
		return "", forge.Errorf(v1alpha1.ReasonUnreachable, "%s has made no token for the GitHub App", i.api.Host())
	}
	t.made = time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.token, i.granted, i.slug = t, found.Permissions, found.Slug
	return t.Value, nil
}

// permissions are those that the App has, and the name that it writes under.
func (i *Installation) permissions(ctx context.Context) (granted map[string]string, login string, err error) {
	if _, err := i.current(ctx); err != nil {
		return nil, "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.granted, i.slug + "[bot]", nil
}

// asApp adds a JWT of the App.
type asApp struct{ of *Installation }

func (a asApp) Authorize(_ context.Context, req *http.Request) error {
	jwt, err := sign(a.of.app.ID, a.of.app.Key, time.Now())
	if err != nil {
		return err
	}
	a.of.mu.Lock()
	a.of.jwt = jwt
	a.of.mu.Unlock()
	req.Header.Set("Authorization", "Bearer "+jwt)
	return nil
}

func (a asApp) Renew() bool       { return false }
func (a asApp) Secrets() []string { return a.of.Secrets() }

// sign makes a JWT (RFC 7519, RS256) that says to be the App.
func sign(id string, key *rsa.PrivateKey, now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{"iat": now.Add(-jwtSkew).Unix(), "exp": now.Add(jwtFor).Unix(), "iss": id})
	if err != nil {
		return "", fmt.Errorf("encoding a JWT: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing a JWT: %w", err)
	}
	return text + "." + encode(signature), nil
}
