package gobuild

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

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
	root, err := goEnv(ctx, "GOROOT")
	return append(files, ociimage.File{Path: zoneinfo, Source: filepath.Join(root, "lib", "time", "zoneinfo.zip")}), err
}
