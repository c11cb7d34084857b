package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionText(t *testing.T) {
	system := runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "1a2b3c4d5e6f7081"}
	for _, c := range []struct {
		version  string
		settings []debug.BuildSetting
		want     string
	}{
		{"(devel)", nil, "headway devel ("},
		{"", nil, "headway devel ("},
		{"", []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}}, "headway devel ("},
		{"v1.2.3", nil, "headway v1.2.3 ("},
		{"(devel)", []debug.BuildSetting{revision, {Key: "vcs.modified", Value: "false"}}, "headway devel (commit 1a2b3c4d, "},
		{"(devel)", []debug.BuildSetting{revision, {Key: "vcs.modified", Value: "true"}}, "headway devel (commit 1a2b3c4d with changes, "},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.version}, Settings: c.settings}
		if got := versionText(info); got != c.want+system {
			t.Errorf("%+v: %q, want %q", c, got, c.want+system)
		}
	}
}
