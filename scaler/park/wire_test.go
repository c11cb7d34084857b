package park

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const testPod = "3f0a6c52-0e0b-4f7c-9d2c-6f1d0c1b2a39"

// testGate is the gate of testPod, and the line that opens it. The key is the
// same every time, so that a line which the fuzzer finds can be tried again.
func testGate(seed string) (g gate, right string) {
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat(seed, ed25519.SeedSize)))
	return gate{pod: testPod, key: private.Public().(ed25519.PublicKey)}, wakeCall(private, testPod)
}

// The names are written twice: here, and where pods are made from them.
func TestNamesAreThoseOfTheAPI(t *testing.T) {
	got := []string{port, envPod, envKey, privateFile}
	want := []string{strconv.Itoa(v1alpha1.ParkPort), v1alpha1.EnvParkPod, v1alpha1.EnvParkKey, v1alpha1.ParkPrivateKey}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-api +here):\n%s", diff)
	}
}

func TestGate(t *testing.T) {
	g, right := testGate("a")
	_, otherKey := testGate("b")
	right, otherKey = strings.TrimSuffix(right, "\n"), strings.TrimSuffix(otherKey, "\n")
	otherPod := g
	otherPod.pod = "another"
	if len(right) >= longestLine {
		t.Errorf("a wake call has %d bytes", len(right))
	}
	for _, tc := range []struct {
		name, line string
		gate       gate
		want       error
	}{
		{"right", right, g, nil},
		{"another key", otherKey, g, errSignature},
		{"for another pod", right, otherPod, errSignature},
		{"empty", "", g, errNotWake},
		{"http", "GET / HTTP/1.1", g, errNotWake},
		{"no signature", wakePrefix, g, errNotWake},
		{"half a signature", right[:len(right)/2], g, errNotWake},
		{"two spaces", strings.Replace(right, " ", "  ", 1), g, errNotWake},
		{"something behind it", right + " now", g, errNotWake},
		{"carriage return", right + "\r", g, errNotWake},
		{"upper case", strings.ToUpper(right), g, errNotWake},
		{"not base64", wakePrefix + strings.Repeat("!", 88), g, errNotWake},
		{"zeros", wakePrefix + base64.StdEncoding.EncodeToString(make([]byte, 64)), g, errSignature},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.gate.check(tc.line); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

// Whatever a line says, only the one that was made with the key opens the gate.
func FuzzGate(f *testing.F) {
	g, right := testGate("a")
	right = strings.TrimSuffix(right, "\n")
	for _, line := range []string{right, "wake ", "wake AAAA", right + "=", right[:40] + "\n" + right[40:], "no: x", "\x00\xff"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if err := g.check(line); (err == nil) != (line == right) {
			t.Errorf("check(%q): %v", line, err)
		}
	})
}
