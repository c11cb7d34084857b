// Package pool gives each Repository the client of its forge.
//
// It promises one client per Repository for as long as its spec and credentials
// stay as they are, so that what the client remembers saves requests; that
// Repositories with the same credentials are patient together; and that no
// credentials go to a server before it is known to be a forge, nor to another one
// than that of spec.url or spec.forge.apiURL.
package pool

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/credentials"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/gitea"
	"github.com/headway-dev/headway/watcher/forge/github"
	"github.com/headway-dev/headway/watcher/forge/gitlab"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

// writeGap is what GitHub asks for between two writes.
const writeGap = time.Second

// maxDetections bounds the servers whose type is remembered.
const maxDetections = 256

// Pool has the clients. It is safe for concurrent use.
type Pool struct {
	secrets client.Reader
	// transport makes one that trusts an authority beside the system's.
	transport func(authority []byte) (http.RoundTripper, error)

	mu         sync.Mutex
	members    map[types.UID]member
	accounts   map[[sha256.Size]byte]*rest.Account
	detections map[string]*detection
}

// member is the client of a Repository, and what it was made from.
type member struct {
	client  forge.Client
	from    [sha256.Size]byte
	account [sha256.Size]byte
}

// New makes a Pool that reads Secrets past any cache, so that credentials are
// not kept in one.
func New(secrets client.Reader) *Pool {
	return &Pool{
		secrets: secrets,
		transport: func(authority []byte) (http.RoundTripper, error) {
			return credentials.Transport(authority)
		},
		members: map[types.UID]member{}, accounts: map[[sha256.Size]byte]*rest.Account{}, detections: map[string]*detection{},
	}
}

// Client gives the client of a Repository's forge; nil, nil where spec.forge is
// not set. It reads the Secret. It fails with an *forge.Error where the spec or the
// credentials cannot be used or the server is no forge, and with another error
// where the Kubernetes API does not answer.
func (p *Pool) Client(ctx context.Context, repo *v1alpha1.Repository) (forge.Client, error) {
	spec := repo.Spec.Forge
	if spec == nil {
		p.Forget(repo.UID)
		return nil, nil
	}
	secret, field, err := p.secret(ctx, repo)
	if err != nil {
		return nil, err
	}
	from := digest(secret, repo.Spec.URL, spec.Type, spec.APIURL, field)
	p.mu.Lock()
	m, ok := p.members[repo.UID]
	p.mu.Unlock()
	if ok && m.from == from {
		return m.client, nil
	}
	m, err = p.connect(ctx, repo, secret, field)
	if err != nil {
		return nil, err
	}
	m.from = from
	p.mu.Lock()
	defer p.mu.Unlock()
	p.members[repo.UID] = m
	p.sweep()
	return m.client, nil
}

// Forget lets go of a Repository's client: of one that is deleted, and of one
// that is to be asked at once although it has refused, as after a person has
// asked for a look.
func (p *Pool) Forget(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.members[uid]; ok {
		delete(p.members, uid)
		p.sweep()
	}
}

// sweep drops the accounts that no client uses any more. p.mu is held.
func (p *Pool) sweep() {
	used := map[[sha256.Size]byte]bool{}
	for _, m := range p.members {
		used[m.account] = true
	}
	for key, account := range p.accounts {
		if !used[key] {
			account.Close()
			delete(p.accounts, key)
		}
	}
}

// connect makes the client of a Repository.
func (p *Pool) connect(ctx context.Context, repo *v1alpha1.Repository, secret map[string][]byte, field string) (member, error) {
	at, err := locate(repo.Spec.URL)
	if err != nil {
		return member{}, err
	}
	transport, err := p.transport(secret[credentials.KeyCA])
	if errors.Is(err, credentials.ErrCA) {
		return member{}, invalid("%v (%s)", err, field)
	} else if err != nil {
		return member{}, err
	}
	f, api, err := p.resolve(ctx, repo.Spec.Forge, at, transport)
	if err != nil {
		return member{}, err
	}
	owner, name := at.ownerAndName()
	counted := ""
	if len(secret[credentials.KeyAppID]) > 0 {
		counted = owner // GitHub counts the requests of an App by its installation
	}
	m := member{account: digest(secret, api.String(), counted)}
	account := p.account(m.account, f.kind, transport)
	auth, err := authorizer(f.kind, field, secret, github.App{Base: api, Account: account, Owner: owner, Name: name})
	if err != nil {
		return member{}, err
	}
	config := rest.Config{Base: api, Account: account, Auth: auth}
	switch f.kind {
	case github.Name:
		m.client = github.New(config, owner, name)
	case gitlab.Name:
		m.client = gitlab.New(config, projectPath(f.site, api, at))
	default:
		m.client = gitea.New(config, owner, name)
	}
	return m, nil
}

// resolve says which type of forge it is, and where its API is.
func (p *Pool) resolve(ctx context.Context, spec *v1alpha1.Forge, at place, transport http.RoundTripper) (found, *url.URL, error) {
	f := found{kind: spec.Type, site: at.site}
	auto := f.kind == "" || f.kind == "auto"
	if spec.APIURL != "" {
		api, err := url.Parse(spec.APIURL)
		if err != nil || api.Host == "" || api.User != nil {
			return found{}, nil, forge.Errorf(v1alpha1.ReasonInvalidURL, "spec.forge.apiURL is not an address without credentials; use https://host/path")
		}
		if auto {
			f.kind = typeOfAPI(api)
		}
		if f.kind == "" {
			return found{}, nil, forge.Errorf(v1alpha1.ReasonForgeUnknown, "spec.forge.apiURL does not tell which forge it is; set spec.forge.type to github, gitlab or gitea (for Forgejo too)")
		}
		return f, api, nil
	}
	if auto {
		f.kind = known(at.site.Host)
	}
	if f.kind == "" {
		var err error
		if f, err = p.detect(ctx, transport, at); err != nil {
			return found{}, nil, err
		}
	}
	switch f.kind {
	case github.Name:
		return f, github.Base(f.site), nil
	case gitlab.Name:
		return f, gitlab.Base(f.site), nil
	}
	if !auto && f.kind == gitea.Name {
		f.site = at.prefix()
	}
	return f, gitea.Base(f.site), nil
}

// projectPath is the path of a project of GitLab: that of the repository without
// where GitLab is below its server.
func projectPath(site, api *url.URL, at place) string {
	path := strings.Join(at.path, "/")
	for _, below := range []string{strings.TrimSuffix(strings.TrimRight(api.Path, "/"), "/api/v4"), site.Path} {
		if rest, ok := strings.CutPrefix(path, strings.Trim(below, "/")+"/"); ok && below != "" && strings.Contains(rest, "/") {
			return rest
		}
	}
	return path
}

// account is the one that is shared by clients with the same key.
func (p *Pool) account(key [sha256.Size]byte, kind string, transport http.RoundTripper) *rest.Account {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.accounts[key]; a != nil {
		return a
	}
	gap := time.Duration(0)
	if kind == github.Name {
		gap = writeGap
	}
	a := rest.NewAccount(transport, gap)
	p.accounts[key] = a
	return a
}
