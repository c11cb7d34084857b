package gobuild

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/pipelines/ociimage"
)

// zoneinfo is where Go's time package finds time zones, by the variable of the
// same name.
const zoneinfo = "/usr/share/zoneinfo.zip"

const passwd = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"

// baseFiles are the same for every program, so that their layer is pushed and
// pulled once: users, a temporary folder, certificate authorities, time zones.
func baseFiles(ctx context.Context) ([]ociimage.File, error) {
	files := []ociimage.File{
		{Path: "/etc/passwd", Data: []byte(passwd)},
		{Path: "/etc/group", Data: []byte("root:x:0:\nnonroot:x:65532:\n")},
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "/home/nonroot", Mode: fs.ModeDir | 0o700, UID: 65532, GID: 65532},
	}
	const authorities = "/etc/ssl/certs/ca-certificates.crt"
	if _, err := os.Stat(authorities); err == nil {
		files = append(files, ociimage.File{Path: authorities, Source: authorities})
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("finding the Go installation: %w", err)
	}
	zones := filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip")
	if _, err := os.Stat(zones); err != nil {
		return nil, fmt.Errorf("finding Go's time zones: %w", err)
	}
	return append(files, ociimage.File{Path: zoneinfo, Source: zones}), nil
}
