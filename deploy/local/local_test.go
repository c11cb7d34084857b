package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/deploy/local/layout"
)

func TestCheckMachineNamesTheAlternative(t *testing.T) {
	if err := checkMachine("linux", 0); err != nil {
		t.Errorf("root on Linux: %v", err)
	}
	for system, user := range map[string]int{"darwin": 0, "linux": 1000} {
		err := checkMachine(system, user)
		if err == nil || !strings.Contains(err.Error(), "KUBECONFIG") || !strings.Contains(err.Error(), "make deploy") {
			t.Errorf("user %d on %s: error = %v, want one that names KUBECONFIG and make deploy", user, system, err)
		}
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		args       string
		subcommand string
		asked      wishes
		complaint  string
	}{
		{"up", "up", wishes{"", 1}, ""},
		{"up --forge=gitea", "up", wishes{"gitea", 1}, ""},
		{"up --forge= --eventing-replicas=3", "up", wishes{"", 3}, ""},
		{"components --forge gitea", "components", wishes{"gitea", 1}, ""},
		{"down", "down", wishes{"", 1}, ""},
		{"", "", wishes{}, "want a subcommand"},
		{"up --forge=gitlab", "", wishes{}, `no forge "gitlab"`},
		{"up --eventing-replicas=2", "", wishes{}, "1 replica or 3, not 2"},
		{"up gitea", "", wishes{}, `no argument "gitea"`},
		{"down --forge=gitea", "", wishes{}, "not defined: -forge"},
	} {
		t.Run(test.args, func(t *testing.T) {
			subcommand, asked, err := parse(strings.Fields(test.args))
			if subcommand != test.subcommand || asked != test.asked {
				t.Errorf("parsed %q, %+v, want %q, %+v", subcommand, asked, test.subcommand, test.asked)
			}
			if err == nil != (test.complaint == "") || err != nil && !strings.Contains(err.Error(), test.complaint) {
				t.Errorf("error = %v, want %q", err, test.complaint)
			}
		})
	}
}

func TestMissingPackages(t *testing.T) {
	programs, debian := missingPackages(func(program string) bool { return program != "ip" && program != "busybox" })
	if diff := cmp.Diff([]string{"ip", "busybox"}, programs); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"iproute2", "busybox-static"}, debian); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

func TestNameservers(t *testing.T) {
	for _, test := range []struct {
		name, content string
		want          []string
	}{
		{"plain", "search x\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n", []string{"10.0.0.1", "10.0.0.2"}},
		{"a stub on loopback", "nameserver 127.0.0.53\n", nil},
		{"comments and rubbish", "# nameserver 10.0.0.1\nnameserver\nnameserver no.name\nnameserver fd00::1", []string{"fd00::1"}},
		{"empty", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, nameservers(test.content)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestResolvConfSkipsTheStub(t *testing.T) {
	files := map[string]string{
		"/etc/resolv.conf":                 "nameserver 127.0.0.53\n",
		"/run/systemd/resolve/resolv.conf": "nameserver 10.0.0.1\n",
	}
	read := func(path string) ([]byte, error) {
		if content, ok := files[path]; ok {
			return []byte(content), nil
		}
		return nil, os.ErrNotExist
	}
	if path, _ := resolvConf(read); path != "/run/systemd/resolve/resolv.conf" {
		t.Errorf("with a stub: %s", path)
	}
	files["/etc/resolv.conf"] = "nameserver 10.0.0.9\n"
	if path, _ := resolvConf(read); path != "/etc/resolv.conf" {
		t.Errorf("without a stub: %s", path)
	}
}

func TestMountsBelow(t *testing.T) {
	table := strings.Join([]string{
		`22 1 8:1 / / rw - ext4 /dev/vda rw`,
		`30 22 0:5 / /cache/state/kubelet/pods/a rw - tmpfs tmpfs rw`,
		`31 22 0:5 / /cache/state2/b rw - tmpfs tmpfs rw`,
		`32 30 0:5 / /cache/state/kubelet/pods/a/with\040space rw - tmpfs tmpfs rw`,
		`33 22 0:4 net:[1] /run/headway/containerd/ns rw - nsfs nsfs rw`,
		`short line`,
	}, "\n")
	want := []string{"/run/headway/containerd/ns", "/cache/state/kubelet/pods/a/with space", "/cache/state/kubelet/pods/a"}
	if diff := cmp.Diff(want, mountsBelow(table, "/cache/state", "/run/headway")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRemovalScript(t *testing.T) {
	saved := `# Generated
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
:KUBE-SERVICES - [0:0]
:HEADWAY-POSTROUTING - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j DOCKER
-A KUBE-SERVICES -d 198.19.0.1/32 -j KUBE-SVC
-A POSTROUTING -g HEADWAY-POSTROUTING
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -m comment --comment "-j KUBE-" -j ACCEPT
COMMIT
`
	want := `*nat
:KUBE-SERVICES - [0:0]
:HEADWAY-POSTROUTING - [0:0]
-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-D POSTROUTING -g HEADWAY-POSTROUTING
-X KUBE-SERVICES
-X HEADWAY-POSTROUTING
COMMIT
*filter
COMMIT
`
	script, chains := removalScript(saved)
	if diff := cmp.Diff(want, script); diff != "" || chains != 2 {
		t.Errorf("%d chains, script (-want +got):\n%s", chains, diff)
	}
}

func TestSysctlsArePutBack(t *testing.T) {
	root, file := t.TempDir(), filepath.Join(t.TempDir(), "noted.json")
	path := filepath.Join(root, sysctls[0])
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(value string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(value+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("0")
	if err := noteSysctls(root, file); err != nil {
		t.Fatal(err)
	}
	write("1")
	// A second `up` must not take the changed value for the machine's own.
	if err := errors.Join(noteSysctls(root, file), putBackSysctls(root, file)); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(content)) != "0" {
		t.Errorf("setting = %q, %v, want 0", content, err)
	}
	if err := putBackSysctls(root, filepath.Join(root, "none")); err != nil {
		t.Errorf("without a note: %v", err)
	}
}

func TestAdaptTekton(t *testing.T) {
	manifests := `image: ko://github.com/tektoncd/pipeline/cmd/controller
args: ["-nop-image", "ko://github.com/tektoncd/pipeline/cmd/nop", "-shell-image", "other@sha256:1", "-shell-image-win", "win"]
initialDelaySeconds: 5
version: "devel"
`
	image := func(name string) string { return "r/" + name + ":1" }
	got, err := adaptTekton([]byte(manifests), image, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	want := `image: r/tekton-controller:1
args: ["-nop-image", "r/tekton-nop:1", "-kube-api-qps", "200", "-kube-api-burst", "400", "-shell-image", "r/busybox:1", "-shell-image-win", "win"]
initialDelaySeconds: 0
version: "v1.2.3"
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := adaptTekton([]byte("nothing"), image, "v1.2.3"); err == nil {
		t.Error("manifests without what we edit are taken")
	}
	manifests = strings.Replace(manifests, "cmd/nop", "cmd/other", 1)
	if _, err := adaptTekton([]byte(manifests), image, "v1.2.3"); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("a missing image: %v", err)
	}
}

func TestWriteConfigLeavesEqualFilesAlone(t *testing.T) {
	c := &cluster{places: layout.Layout{Root: t.TempDir()}}
	write := func(mtu int) os.FileInfo {
		t.Helper()
		path, err := c.writeConfig("cni.conflist", "cni/10.conflist", settings{MTU: mtu})
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first, same, changed := write(1400), write(1400), write(1500)
	if !os.SameFile(first, same) || !first.ModTime().Equal(same.ModTime()) {
		t.Error("an equal file was written again")
	}
	if os.SameFile(first, changed) {
		t.Error("a changed file was not replaced")
	}
}

// TestTemplatesAreWhole fills every template and parses those that are YAML.
func TestTemplatesAreWhole(t *testing.T) {
	values := newSettings(layout.Layout{Root: "/cache"})
	values.PauseImage, values.ResolvConf, values.MTU = "pause:1", "/etc/resolv.conf", 1400
	values.EventVolumes = (&cluster{}).eventVolumes(3)
	values.Resolvers, values.BuildEnv, values.BuildCA = []string{"10.0.0.1"}, map[string]string{"GOPROXY": "x"}, "pem\n"
	for _, folder := range []string{"config", "manifests"} {
		entries, err := templates.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			t.Run(entry.Name(), func(t *testing.T) {
				var filling any = values
				if entry.Name() == "kubeconfig.yaml" {
					filling = map[string]string{"APIServer": "a", "CA": "b", "User": "c", "Cert": "d", "Key": "e"}
				}
				content, err := render(folder+"/"+entry.Name(), filling)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(content), "{{") {
					t.Errorf("not filled:\n%s", content)
				}
				if filepath.Ext(entry.Name()) != ".yaml" {
					return
				}
				for document := range strings.SplitSeq(string(content), "\n---\n") {
					var parsed map[string]any
					if err := yaml.UnmarshalStrict([]byte(document), &parsed); err != nil || len(parsed) == 0 {
						t.Errorf("parsing: %v in\n%s", err, document)
					}
				}
			})
		}
	}
}

func TestStatic(t *testing.T) {
	for segment, want := range map[elf.ProgType]bool{elf.PT_LOAD: true, elf.PT_INTERP: false} {
		// The smallest file that is an ELF program: a header and one segment of the type.
		var content bytes.Buffer
		header := elf.Header64{
			Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
			Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
		}
		for _, part := range []any{header, elf.Prog64{Type: uint32(segment)}} {
			if err := binary.Write(&content, binary.LittleEndian, part); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := static(path); got != want {
			t.Errorf("a program with a segment %s: static = %t", segment, got)
		}
	}
	if static("/dev/null") {
		t.Error("an empty file counts as a static program")
	}
}
