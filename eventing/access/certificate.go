package access

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// namesKey is where the context of a request has the names of its sender.
type namesKey struct{}

// WithNames returns the context of a request whose sender has proved by a client
// certificate to have these names.
func WithNames(ctx context.Context, names []string) context.Context {
	if len(names) == 0 {
		return ctx
	}
	return context.WithValue(ctx, namesKey{}, names)
}

// Names are those of WithNames.
func Names(ctx context.Context) []string {
	names, _ := ctx.Value(namesKey{}).([]string)
	return names
}

// certified returns the first of the names that may send; "" if there is none.
// Names of hosts are the same in large letters (RFC 5280, section 7.2).
func (r *Rule) certified(names []string) string {
	i := slices.IndexFunc(names, func(shown string) bool {
		host := !strings.ContainsAny(shown, "@/:")
		return slices.ContainsFunc(r.access.Outside.SubjectAltNames, func(allowed string) bool {
			return allowed == shown || host && strings.EqualFold(allowed, shown)
		})
	})
	if i < 0 {
		return ""
	}
	return names[i]
}

// uncertified is for who has neither signed nor shown a certificate of one who may
// send.
func (r *Rule) uncertified(names []string) *Denial {
	if len(names) == 0 {
		return &Denial{Kind: NoCertificate, Status: http.StatusForbidden, Detail: fmt.Sprintf(
			"Channel %s takes events from outside only over TLS, with a client certificate that an authority of the installation has signed.", r.name)}
	}
	return &Denial{Kind: NotAllowed, Status: http.StatusForbidden, Detail: fmt.Sprintf(
		"The client certificate of %s may not send to channel %s. Add one of its names to access.outside.subjectAltNames of the channel, where it is declared.",
		strings.Join(names[:min(len(names), 3)], ", "), r.name)}
}
