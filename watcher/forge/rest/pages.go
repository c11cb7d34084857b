package rest

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

const (
	// maxPages bounds the requests for one list, whatever the forge says.
	maxPages = 20
	// maxReads is how often a list is read that changes while it is read.
	maxReads = 3
)

// All reads a list of several pages, of which something may go while it is read,
// so that what is behind it moves to a page that was read already. Where there are
// several, the first is read again at the end, and everything anew where it is not
// what it was. At most limit elements are read.
func All[T any](ctx context.Context, c *Client, call Call, limit int, id func(T) int64) ([]T, error) {
	for range maxReads {
		list, first, pages, err := sequence[T](ctx, c, call, limit)
		if err != nil || pages == 1 {
			return list, err
		}
		again, _, err := page[T](ctx, c, call, 1)
		if err != nil {
			return nil, err
		}
		same := func(a, b T) bool { return id(a) == id(b) }
		if slices.EqualFunc(first, again, same) {
			return list, nil
		}
	}
	return nil, forge.Errorf(v1alpha1.ReasonUnreachable, "the list of %s changes faster than it can be read; it is tried again by itself", c.Host())
}

// Some reads the first elements of a list, at most limit.
func Some[T any](ctx context.Context, c *Client, call Call, limit int) ([]T, error) {
	list, _, _, err := sequence[T](ctx, c, call, limit)
	return list, err
}

func sequence[T any](ctx context.Context, c *Client, call Call, limit int) (list, first []T, pages int, err error) {
	for n := 1; ; {
		elements, answer, err := page[T](ctx, c, call, n)
		if err != nil {
			return nil, nil, 0, err
		}
		if pages++; pages == 1 {
			first = elements
		}
		list = append(list, elements...)
		next := answer.Next()
		if len(list) >= limit || next <= n || pages == maxPages {
			return list[:min(len(list), limit)], first, pages, nil
		}
		n = next
	}
}

// Newest reads the last pages of a list that has the oldest elements first, size
// to a page: at most so many pages beside the first.
func Newest[T any](ctx context.Context, c *Client, call Call, size, pages int) ([]T, error) {
	list, answer, err := page[T](ctx, c, call, 1)
	if err != nil {
		return nil, err
	}
	last := answer.last(size)
	for n := max(2, last-pages+1); n <= last; n++ {
		elements, _, err := page[T](ctx, c, call, n)
		if err != nil {
			return nil, err
		}
		list = append(list, elements...)
	}
	return list, nil
}

func page[T any](ctx context.Context, c *Client, call Call, n int) ([]T, Answer, error) {
	var list []T
	call.Into = &list
	if n > 1 {
		query := maps.Clone(call.Query)
		if query == nil {
			query = url.Values{}
		}
		query.Set("page", strconv.Itoa(n))
		call.Query = query
	}
	answer, err := c.Do(ctx, call)
	if err != nil {
		return nil, Answer{}, err
	}
	return list, answer, nil
}

// link is one of a Link header (RFC 8288).
var link = regexp.MustCompile(`<([^<>]*)>\s*;[^,<]*\brel="?([a-z]+)"?`)

// linked is the number of the page that the Link header names; 0 for none. Of its
// URL nothing else counts: Gitea makes it of the address that it takes for its
// own, which need not be one that reaches it from here.
func linked(h http.Header, rel string) int {
	for _, m := range link.FindAllStringSubmatch(strings.Join(h.Values("Link"), ","), 16) {
		u, err := url.Parse(m[1])
		if err != nil || m[2] != rel {
			continue
		}
		if n, err := strconv.Atoi(u.Query().Get("page")); err == nil {
			return n
		}
	}
	return 0
}

// Next is the number of the next page; 0 for none.
func (a Answer) Next() int {
	if n, err := strconv.Atoi(a.Header.Get("X-Next-Page")); err == nil {
		return n
	}
	return linked(a.Header, "next")
}

// last is the number of the last page, by the Link header or by how many elements
// there are in all; 0 where it is not told.
func (a Answer) last(size int) int {
	if n := linked(a.Header, "last"); n > 0 {
		return n
	}
	if total, err := strconv.Atoi(a.Header.Get("X-Total-Count")); err == nil && total > 0 && size > 0 {
		return (total + size - 1) / size
	}
	return 0
}
