package manager

import (
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/headway-dev/headway/api/address"
)

func TestPublic(t *testing.T) {
	for _, tc := range []struct {
		args string
		want address.Public
		err  string // part of the error
	}{
		{"", address.Public{Scheme: "http", Domain: "localhost", Port: 8080}, ""},
		{"--domain=.Apps.Example.com --public-scheme=https --public-port=443", address.Public{Scheme: "https", Domain: "apps.example.com", Port: 443}, ""},
		{"--public-scheme=ftp", address.Public{}, "must be http or https"},
		{"--public-port=0", address.Public{}, "between 1 and 65535"},
	} {
		var p Public
		set := flag.NewFlagSet("program", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		p.Register(set)
		if err := set.Parse(strings.Fields(tc.args)); err != nil {
			t.Fatal(err)
		}
		got, err := p.Address()
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %+v, %v", tc.args, got, err)
		}
	}
}
