package fetch

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFetchRefuses(t *testing.T) {
	small := Limits{Download: 1 << 20, Bytes: 1000, Entries: 3}
	device := entry{tar.Header{Name: "dev", Typeflag: tar.TypeChar}, ""}
	hard := entry{tar.Header{Name: "hard", Typeflag: tar.TypeLink, Linkname: "a"}, ""}
	for _, test := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"parent folder", pack(t, file("../evil", "x")), "outside the artifact"},
		{"inner parent folder", pack(t, file("a/../../evil", "x")), "outside the artifact"},
		{"absolute name", pack(t, file("/etc/evil", "x")), "outside the artifact"},
		{"absolute link", pack(t, link("a", "/etc/passwd")), "outside the artifact"},
		{"link to a parent folder", pack(t, link("a", "../evil")), "outside the artifact"},
		{"write through a link", pack(t, link("a", ".."), file("a/evil", "x")), "outside the artifact"},
		{"links in a row", pack(t, link("a/b/up", "../.."), link("out", "a/b/up/..")), "outside the artifact"},
		{"link to itself", pack(t, link("a", "a")), `the symbolic link "a" points to "a" and leads in a circle`},
		{"links in a circle", pack(t, link("x/a", "../y/b"), link("y/b", "../x/a")), `the symbolic link "x/a" points to "../y/b" and leads in a circle`},
		{"device", pack(t, device), "neither a file"},
		{"hard link", pack(t, file("a", "x"), hard), "neither a file"},
		{"a name twice", pack(t, file("a", "x"), file("a", "y")), "file exists"},
		{"too many entries", pack(t, file("a", ""), file("b", ""), file("c", ""), file("d", "")), "more than 3 entries"},
		{"large file", pack(t, file("a", strings.Repeat("x", 1001))), "larger than 1000 bytes"},
		{"large sum", pack(t, file("a", strings.Repeat("x", 600)), file("b", strings.Repeat("x", 600))), "larger than 1000 bytes"},
		{"bomb behind the end", bomb(t), "more than its files"},
		{"no gzip", []byte("plain text"), "not a tar.gz"},
		{"cut short", cut(pack(t, file("a", strings.Repeat("x", 900)))), "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			dest := filepath.Join(dir, "in", "source")
			if err := os.Mkdir(filepath.Dir(dest), 0o755); err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: &answers{status(200, test.archive)}}
			err := Fetch(t.Context(), client, Artifact{"http://artifacts/x", digestOf(test.archive)}, dest, small)
			checkError(t, err, test.want, dest)
			if diff := cmp.Diff(map[string]string{"in": "d"}, tree(t, dir)); diff != "" {
				t.Errorf("written outside (-want +got):\n%s", diff)
			}
		})
	}
}

// bomb is a small archive that goes on for 20 MB after its end mark.
func bomb(t *testing.T) []byte {
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	if _, err := zipped.Write(make([]byte, 20<<20)); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func cut(data []byte) []byte { return data[:len(data)-12] }

// FuzzUnpack feeds hostile archives: whatever they hold, nothing may be written
// outside the folder.
func FuzzUnpack(f *testing.F) {
	f.Add(pack(f, file("a/b", "x"), link("c", "a/b")))
	f.Add(pack(f, link("a", "."), file("a/a/a", "x")))
	f.Add(pack(f, file("../x", "x")))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		dest := filepath.Join(dir, "source")
		if err := os.Mkdir(dest, 0o755); err != nil {
			t.Fatal(err)
		}
		_ = unpack(bytes.NewReader(data), dest, Limits{Download: 1 << 20, Bytes: 1 << 16, Entries: 100})
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("beside the folder: %v, %v", entries, err)
		}
	})
}
