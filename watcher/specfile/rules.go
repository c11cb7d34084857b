package specfile

import (
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// across checks the rules that involve two keys.
func (r *reader) across(s *Spec) {
	if image, ok := r.at["image"]; ok && r.has("build") {
		r.failAt(image, "image", "image and build exclude each other; keep the one that makes this app")
	}
	r.atMostMax("scale.min", s.Scale.Min, s.Scale.Max)
	r.atMostMax("scale.standby", s.Scale.Standby, s.Scale.Max)
	if at, ok := r.at["port"]; ok && s.Scale.Standby > 0 && s.Port == v1alpha1.ParkPort {
		r.failAt(at, "port", "parked pods (scale.standby) wait for their call on %d; choose another port", v1alpha1.ParkPort)
	}
	r.acrossRules(s.Release)
	r.acrossPreview(s.Preview)
	r.acrossEvents(s.Name, s.Events)
	r.acrossSources(true, s.Sources)
	r.acrossObjects(s)
}

// atMostMax checks a number of pods against scale.max.
func (r *reader) atMostMax(key string, pods, most int32) {
	at, given := r.at[key]
	if !given || pods <= most {
		return
	}
	hint := ""
	if !r.has("scale.max") {
		hint = ", the default"
	}
	r.failAt(at, key, "%d is more than scale.max (%d%s); lower %s or raise scale.max", pods, most, hint, key)
}

// finish puts a valid Spec into its one canonical form.
func (s *Spec) finish() {
	if s.Image != "" {
		s.Build = Build{}
	}
	for _, globs := range []*[]string{&s.Watch, &s.Ignore} {
		slices.Sort(*globs)
		*globs = slices.Compact(*globs)
	}
	for _, names := range []*[]string{&s.Hosts, &s.Sends} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
	slices.SortFunc(s.Env, func(a, b envVar) int { return strings.Compare(a.Name, b.Name) })
	s.Health = withoutDefaults(s.Health)
	s.Preview = s.Preview.finish()
}

// withoutDefaults leaves out what is spelled out although it holds anyway, so
// that it makes no new revision.
func withoutDefaults(h *v1alpha1.Health) *v1alpha1.Health {
	if h == nil {
		return nil
	}
	if h.Hold != nil && h.Hold.Duration == v1alpha1.DefaultHold {
		h.Hold = nil
	}
	if h.Settle != nil && h.Settle.Duration == v1alpha1.DefaultSettle {
		h.Settle = nil
	}
	if *h == (v1alpha1.Health{}) {
		return nil
	}
	return h
}
