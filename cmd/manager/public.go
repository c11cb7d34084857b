package manager

import (
	"flag"
	"fmt"
	"strings"

	"github.com/headway-dev/headway/api/address"
)

// Public are the settings of how apps are reached from outside.
type Public struct {
	domain, scheme string
	port           int
}

// Register adds the flags.
func (p *Public) Register(set *flag.FlagSet) {
	set.StringVar(&p.domain, "domain", "localhost", "domain below which apps get their hosts")
	set.StringVar(&p.scheme, "public-scheme", "http", "scheme of the apps' public URLs: http or https")
	set.IntVar(&p.port, "public-port", 8080, "port of the apps' public URLs")
}

// Address is what the flags say. The error says which of them cannot work.
func (p *Public) Address() (address.Public, error) {
	if p.scheme != "http" && p.scheme != "https" {
		return address.Public{}, fmt.Errorf("--public-scheme is %q; it must be http or https", p.scheme)
	}
	if p.port < 1 || p.port > 65535 {
		return address.Public{}, fmt.Errorf("--public-port is %d; it must be between 1 and 65535", p.port)
	}
	return address.Public{Scheme: p.scheme, Domain: strings.ToLower(strings.Trim(p.domain, ".")), Port: p.port}, nil
}
