package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
)

func newVersion(s cli.Streams) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{}
			}
			_, err := fmt.Fprintln(s.Out, versionText(info))
			return err
		},
	}
}

// versionText is one line: version, commit where the build recorded one, Go
// version, platform.
func versionText(info *debug.BuildInfo) string {
	version, commit := info.Main.Version, ""
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	changed := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 8:
			commit = "commit " + s.Value[:8]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " with changes"
		}
	}
	if commit != "" {
		commit += changed + ", "
	}
	return fmt.Sprintf("headway %s (%s%s, %s/%s)", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
