package specfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

type envVar = v1alpha1.EnvVar

const envName = `^[A-Za-z_][A-Za-z0-9_]{0,255}$`

// reserved are the variables that the platform sets itself.
var reserved = []string{"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION", "HEADWAY_COMMIT"}

// reservedPrefixes begin what only a parked pod sees, and is gone once the app
// runs, and the URLs of channels that the app sends to.
var reservedPrefixes = []string{"HEADWAY_PARK_", "HEADWAY_CHANNEL_"}

var (
	objectName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	objectKey  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,253}$`)
)

func setEnv(s *Spec, name, v string) error {
	env, err := readVariable(name, v)
	if err == nil {
		s.Env = append(s.Env, env)
	}
	return err
}

// readVariable reads a variable with a value, or with a reference to one.
func readVariable(name, v string) (envVar, error) {
	env := envVar{Name: name}
	if err := settable(name); err != nil {
		return env, err
	}
	for scheme, to := range map[string]**v1alpha1.KeyRef{"secret": &env.Secret, "config": &env.Config} {
		rest, ok := strings.CutPrefix(v, scheme+"://")
		if !ok {
			continue
		}
		object, key, ok := strings.Cut(rest, "/")
		if !ok || !objectName.MatchString(object) || !objectKey.MatchString(key) {
			return env, fmt.Errorf("expected %s://name/key, such as %s://shop-db/url, but found %q", scheme, scheme, clip(v))
		}
		*to = &v1alpha1.KeyRef{Name: object, Key: key}
		return env, nil
	}
	if name, is := strings.CutPrefix(v, ChannelScheme); is && (!appName.MatchString(name) || len(name) > v1alpha1.MaxEventingName) {
		return env, fmt.Errorf("expected channel://name, such as channel://orders, but found %q", clip(v))
	}
	env.Value = v
	return env, nil
}

// ChannelScheme begins a value that stands for the URL of a channel of the
// namespace; in a preview, of its branch. Who makes a Revision fills it in.
const ChannelScheme = "channel://"

// settable refuses the variables that the platform sets itself.
func settable(name string) error {
	if name == "PORT" {
		return fmt.Errorf("is set by Headway to the value of port; use port instead")
	}
	begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	if slices.Contains(reserved, name) || slices.ContainsFunc(reservedPrefixes, begins) {
		return fmt.Errorf("is set by Headway itself; choose another name")
	}
	return nil
}
