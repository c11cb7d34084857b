//go:build e2e

package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/test/localcluster"
)

// seen is what testdata/meter finds around it.
type seen struct {
	Host, Protocol      string
	Headers             http.Header
	Hostname, Directory string
	PID, UID, GID       int
	Groups              []int
	Arguments           []string
	Environment         map[string]string
	Stdin               string
	Files               []string
	Status              map[string]string
	OpenFiles           uint64
	Temporary           string
	Mounts              map[string]string
	MemoryLimit         string
}

// look asks meter what it finds around it.
func (tm *team) look(headers http.Header) seen {
	tm.Helper()
	request, err := http.NewRequestWithContext(tm.Context(), http.MethodGet, tm.url("meter")+"seen", nil)
	if err != nil {
		tm.Fatal(err)
	}
	request.Header = headers
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	response, err := web.Do(request)
	if err != nil {
		tm.Fatalf("asking what the app finds: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		tm.Fatalf("asking what the app finds: status %d: %s, %v", response.StatusCode, body, err)
	}
	var s seen
	if err := json.Unmarshal(body, &s); err != nil {
		tm.Fatalf("reading what the app finds: %v: %s", err, body)
	}
	return s
}

// TestRuntimeContract: an app finds around it what Knative's runtime contract
// promises; docs/runtime-contract.md has the table.
func TestRuntimeContract(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	_, revision := tm.startMeterAs(`port: 9000
args: ["-addr=:$(PORT)", "$$(PORT) $1"]
env: {GREETING: "a $(PORT) $$"}
resources: {cpu: 10m, memory: 64Mi}`)
	host := "meter." + tm.namespace + ".localhost:" + layout.PublicPort
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	s := tm.look(http.Header{"X-Mine": {"one", "two"}, "Traceparent": {trace}, "Forwarded": {"for=192.0.2.1"}, "X-Forwarded-For": {"192.0.2.1"}})

	for name, want := range map[string]string{
		"PORT": "9000", "K_SERVICE": "meter", "K_CONFIGURATION": "meter", "K_REVISION": revision, "GREETING": "a $(PORT) $$",
	} {
		if got := s.Environment[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name := range s.Environment {
		if strings.HasPrefix(name, "HEADWAY_PARK_") {
			t.Errorf("the app sees %s", name)
		}
	}
	forwarded := strings.Join(s.Headers["Forwarded"], ", ")
	elements := strings.Split(forwarded, ", ")
	last := elements[len(elements)-1]
	for what, ok := range map[string]bool{
		"the Host as it came":               s.Host == host,
		"HTTP/1.1":                          s.Protocol == "HTTP/1.1",
		"every value of a header":           slices.Equal(s.Headers["X-Mine"], []string{"one", "two"}),
		"the trace of the request":          strings.HasPrefix(s.Headers.Get("Traceparent"), trace[:35]),
		"Forwarded, with what stood there":  elements[0] == "for=192.0.2.1" && strings.Contains(last, "for=") && strings.Contains(last, ";proto=http"),
		"the host in Forwarded":             strings.Contains(last, `host="`+host+`"`),
		"X-Forwarded-For":                   strings.HasPrefix(s.Headers.Get("X-Forwarded-For"), "192.0.2.1, "),
		"X-Forwarded-Proto":                 s.Headers.Get("X-Forwarded-Proto") == "http",
		"the first process":                 s.PID == 1,
		"arguments with variables":          slices.Equal(s.Arguments[1:], []string{"-addr=:9000", "$(PORT) $1"}),
		"the user of the image":             s.UID == 65532 && s.GID == 65532,
		"the working directory":             s.Directory == "/app",
		"a stdin that has ended":            s.Stdin == "EOF",
		"a writable /tmp":                   s.Temporary == "",
		"no ignored and no blocked signals": noSignals(s.Status["SigIgn"]) && noSignals(s.Status["SigBlk"]),
		"no capabilities":                   zero(s.Status["CapEff"]) && s.Status["NoNewPrivs"] == "1",
		"a seccomp filter":                  s.Status["Seccomp"] == "2",
		"the memory limit":                  s.MemoryLimit == fmt.Sprint(64<<20),
		"control groups that it cannot set": strings.HasPrefix(cmp.Or(s.Mounts["/sys/fs/cgroup/memory"], s.Mounts["/sys/fs/cgroup"]), "ro,"),
	} {
		if !ok {
			t.Errorf("the app does not see %s", what)
		}
	}
	if t.Failed() {
		t.Logf("it sees %+v", s)
	}
	running, _ := tm.podsOf(revision)
	checkPod(t, running[0])
}

// zero reports whether a mask in hexadecimal has no bit.
func zero(mask string) bool { return mask != "" && strings.Trim(mask, "0") == "" }

// noSignals reports whether a mask has none of the signals 1 to 31. The C
// library of the container runtime keeps those above for itself.
func noSignals(mask string) bool {
	bits, err := strconv.ParseUint(mask, 16, 64)
	return err == nil && bits&(1<<31-1) == 0
}

// checkPod checks what the contract says of the container's declaration.
func checkPod(t *testing.T, pod corev1.Pod) {
	t.Helper()
	if n := len(pod.Spec.Containers) + len(pod.Spec.InitContainers); n != 1 {
		t.Errorf("the pod has %d containers, want the app's alone", n)
	}
	c := pod.Spec.Containers[0]
	if len(c.Ports) != 1 || c.Ports[0].ContainerPort != 9000 || c.Ports[0].HostPort != 0 {
		t.Errorf("the ports are %v, want 9000 alone, and none of the host's", c.Ports)
	}
	for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe} {
		if probe == nil || probe.TCPSocket == nil || probe.TCPSocket.Port.IntValue() != 9000 || probe.InitialDelaySeconds != 0 {
			t.Errorf("the %s probe is %v, want the port at once", name, probe)
		}
	}
	if c.TTY || c.Stdin {
		t.Error("the app has a terminal")
	}
}
