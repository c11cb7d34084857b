package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"
)

// remembered are the headers of an answer that count for one without a body, too.
var remembered = []string{"Link", "X-Next-Page", "X-Total-Count", "X-Oauth-Scopes"}

// tags remember answers by their URL, as far as they were read, to have them where
// the forge says that nothing has changed (RFC 9110, section 13.1.2). They have a
// bound; what was learned first goes first.
type tags struct {
	mu      sync.Mutex
	entries map[string]entry
	order   []string
	size    int
}

type entry struct {
	tag    string
	body   []byte
	header http.Header
}

// find gives the entry of a URL.
func (t *tags) find(url string) (entry, bool) {
	if t == nil {
		return entry{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.entries[url]
	return e, ok
}

// put remembers an answer, in the form that it was read into. One without a tag
// takes the place of an older one with it.
func (t *tags) put(url string, header http.Header, value any) {
	if t == nil {
		return
	}
	e := entry{tag: header.Get("ETag"), header: http.Header{}}
	if e.tag != "" {
		e.body, _ = json.Marshal(value)
	}
	for _, name := range remembered {
		if v := header.Values(name); len(v) > 0 {
			e.header[name] = v
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(url)
	size := len(e.tag) + len(e.body) + len(url)
	if e.tag == "" || len(e.body) == 0 || size > maxTags {
		return
	}
	for t.size+size > maxTags {
		t.drop(t.order[0])
	}
	t.entries[url] = e
	t.order = append(t.order, url)
	t.size += size
}

func (t *tags) drop(url string) {
	e, ok := t.entries[url]
	if !ok {
		return
	}
	t.size -= len(e.tag) + len(e.body) + len(url)
	delete(t.entries, url)
	t.order = slices.DeleteFunc(t.order, func(u string) bool { return u == url })
}

// moves remember for moveFor where a request was sent on to for good.
type moves struct {
	mu sync.Mutex
	to map[string]move
}

type move struct {
	url   string
	until time.Time
}

const maxRemembered = 64

func (m *moves) find(url string, now time.Time) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if to := m.to[url]; now.Before(to.until) {
		return to.url
	}
	return ""
}

func (m *moves) put(url, to string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.to) >= maxRemembered {
		clear(m.to)
	}
	m.to[url] = move{to, now.Add(moveFor)}
}

func (m *moves) drop(url string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.to, url)
}
