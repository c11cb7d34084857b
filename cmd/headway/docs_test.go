package main

import (
	"os"
	"strings"
	"testing"

	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestDocsNameEverything keeps docs/cli.md complete: every command and every
// flag stands there.
func TestDocsNameEverything(t *testing.T) {
	data, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := string(data)
	root := newRoot(cli.Streams{})
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if len(c.Commands()) == 0 && !strings.Contains(docs, "`"+c.CommandPath()) {
			t.Errorf("docs/cli.md does not list %q", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(docs, "--"+f.Name) {
				t.Errorf("docs/cli.md does not mention --%s of %q", f.Name, c.CommandPath())
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}
