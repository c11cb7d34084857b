package repo

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/watcher/verify"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
)

// verifyFlags say whose signatures commits need.
type verifyFlags struct {
	files []string
	who   string
}

func (f *verifyFlags) flags(fl *pflag.FlagSet) {
	fl.StringSliceVar(&f.files, "verify-keys", nil, "file with GPG public keys, or SSH keys in the form of allowed_signers, of which one has to sign each commit; may be given several times")
	fl.StringVar(&f.who, "verify-who", "", "who has to own the key: committer, or any (default committer)")
}

// notKey are characters that the key of a Secret cannot have.
var notKey = regexp.MustCompile(`[^-._a-zA-Z0-9]+`)

// read is the Secret with the keys, nil where none are given.
func (f *verifyFlags) read(io.Reader, string) (*secret, error) {
	switch {
	case f.who != "" && f.who != "committer" && f.who != "any":
		return nil, cli.Usagef("--verify-who is %q; it is committer or any", f.who)
	case f.who != "" && len(f.files) == 0:
		return nil, cli.Usagef("--verify-who goes with --verify-keys")
	case len(f.files) == 0:
		return nil, nil
	}
	data := map[string][]byte{}
	for _, file := range f.files {
		keys, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading --verify-keys: %w", err)
		}
		name := notKey.ReplaceAllString(filepath.Base(file), "_")
		if _, twice := data[name]; twice {
			return nil, cli.Usagef("two files of --verify-keys have the name %s; give one of them another", name)
		}
		data[name] = keys
	}
	// What could not be read would stop every deployment.
	if _, err := verify.Parse(data); err != nil {
		return nil, fmt.Errorf("reading --verify-keys: %w", err)
	}
	return &secret{"-keys", data, func(spec *v1alpha1.RepositorySpec, ref corev1.LocalObjectReference) { spec.Verify.Keys = ref }}, nil
}

// into puts what the flags say into a Repository.
func (f *verifyFlags) into(spec *v1alpha1.RepositorySpec) {
	if len(f.files) == 0 {
		return
	}
	if spec.Verify == nil {
		spec.Verify = &v1alpha1.Verify{}
	}
	if f.who != "" {
		spec.Verify.Who = f.who
	}
}
