package v1alpha1

import (
	"path"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rule says how the head of the refs that it names gets traffic. It either ends
// at 100%, at once or by Canary or BlueGreen, or holds a share by Weight, Match
// or both.
type Rule struct {
	// Refs is a glob over the short names of branches and tags, such as main,
	// feat/* or v*.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Refs string `json:"refs"`
	// Canary moves the traffic step by step.
	// +optional
	Canary *Canary `json:"canary,omitempty"`
	// BlueGreen moves all of it at once, from a version that was checked before.
	// +optional
	BlueGreen *BlueGreen `json:"blueGreen,omitempty"`
	// Weight is the share that the head of a branch has until it is merged or
	// deleted, in basis points: 100 are 1%.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9000
	Weight int32 `json:"weight,omitempty"`
	// Match sends the requests that fit to the head of a branch.
	// +optional
	Match *Match `json:"match,omitempty"`
	// Mirror is the part of the requests that the candidate or the head gets a
	// copy of, in basis points. Its answers are thrown away.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Mirror int32 `json:"mirror,omitempty"`
	// Promote takes a branch over into another one when it has done well.
	// +optional
	Promote *PromoteTo `json:"promote,omitempty"`
	// Gates that it must not fail; nil: none.
	// +optional
	Gates *Gates `json:"gates,omitempty"`
	// OnFail says what happens when it fails a gate: rollback, hold or revert.
	// +optional
	OnFail OnFail `json:"onFail,omitempty"`
	// Approve makes it wait for an approving tag.
	// +optional
	Approve bool `json:"approve,omitempty"`
	// Freeze are times in which nothing goes forward, as package window reads them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Freeze []string `json:"freeze,omitempty"`
}

// Canary moves the traffic in steps.
type Canary struct {
	// Steps are the weights in basis points, rising; 100% follows the last one.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Steps []int32 `json:"steps,omitempty"`
	// Every is how long each step takes at least.
	// +optional
	Every metav1.Duration `json:"every,omitzero"`
	// Ramp is the time in which the weight rises steadily, in the place of steps.
	// +optional
	Ramp metav1.Duration `json:"ramp,omitzero"`
}

// BlueGreen moves all traffic at once.
type BlueGreen struct {
	// Soak is how long the candidate is checked before that, with pods for all of
	// the traffic, at its own URL.
	// +optional
	Soak metav1.Duration `json:"soak,omitzero"`
	// Keep is how long the version before keeps its pods afterwards.
	// +optional
	Keep metav1.Duration `json:"keep,omitzero"`
}

// Match is what a request must have; all that is said has to hold. A value is
// exact, or with a * at its end a prefix.
type Match struct {
	// Method of the request, such as GET; empty: any.
	// +optional
	Method string `json:"method,omitempty"`
	// Header fields by name.
	// +optional
	// +kubebuilder:validation:MaxProperties=8
	Header map[string]string `json:"header,omitempty"`
	// Cookie values by name.
	// +optional
	// +kubebuilder:validation:MaxProperties=8
	Cookie map[string]string `json:"cookie,omitempty"`
}

// PromoteTo says where a branch goes, and when.
type PromoteTo struct {
	// To is the branch that is moved forward.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	To string `json:"to"`
	// After is how long its share must have passed the gates.
	// +optional
	After metav1.Duration `json:"after,omitzero"`
}

// Sticky makes a user stay with one revision while weights rise. Neither key:
// by a cookie of Headway's own.
//
// It is written as a whole: of an empty one that takes the place of one with a
// key, a server-side apply would leave null.
//
// +structType=atomic
type Sticky struct {
	// Header that tells users apart.
	// +optional
	Header string `json:"header,omitempty"`
	// Cookie of the app that tells users apart.
	// +optional
	Cookie string `json:"cookie,omitempty"`
}

// OnFail is what happens when a candidate fails a gate.
//
// +kubebuilder:validation:Enum=rollback;hold;revert
type OnFail string

const (
	// OnFailRollback takes it to 0% and quarantines it.
	OnFailRollback OnFail = "rollback"
	// OnFailHold does that on strong evidence; on doubtful evidence it stays at
	// its step until a person decides.
	OnFailHold OnFail = "hold"
	// OnFailRevert is a rollback, and a commit that reverts it in git.
	OnFailRevert OnFail = "revert"
)

// Gates are tests that a candidate must not fail.
type Gates struct {
	// Errors is the tolerated part of bad answers in parts per million; 0: they
	// are not looked at.
	// +optional
	Errors int64 `json:"errors,omitempty"`
	// Quantile of the time to the first byte that is bounded by Within, in
	// percent: 50, 90, 95 or 99. 0: the time is not looked at.
	// +optional
	Quantile int32 `json:"quantile,omitempty"`
	// Within is the bound.
	// +optional
	Within metav1.Duration `json:"within,omitzero"`
	// Alone is true where the candidate is not compared with the live revision:
	// then the bounds alone decide.
	// +optional
	Alone bool `json:"alone,omitempty"`
	// MinRequests of the candidate in each step, before the next one.
	// +optional
	MinRequests int64 `json:"minRequests,omitempty"`
	// Budget is how many bad answers of it users may see; 0: no such bound.
	// +optional
	Budget int32 `json:"budget,omitempty"`
	// Alpha is the chance that a good candidate fails, in parts per million.
	// +optional
	Alpha int64 `json:"alpha,omitempty"`
	// Margin is how many times worse than the live revision it may be within
	// noise, in percent: 125 is 1.25 times.
	// +optional
	Margin int32 `json:"margin,omitempty"`
	// HTTP is a URL that answers 2xx while the candidate may go on.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	HTTP string `json:"http,omitempty"`
	// Prometheus is a query whose value has a bound.
	// +optional
	Prometheus *PrometheusGate `json:"prometheus,omitempty"`
	// Job is a command that runs in the candidate's image against its own URL,
	// before the first user.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Job []string `json:"job,omitempty"`
}

// PrometheusGate is a query with a bound.
type PrometheusGate struct {
	// URL of the Prometheus server.
	//
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url"`
	// Query that yields one number. $APP, $REVISION and $NAMESPACE stand for
	// those of the candidate.
	//
	// +kubebuilder:validation:MaxLength=4096
	Query string `json:"query"`
	// Max is the largest value that passes, a decimal number.
	//
	// +kubebuilder:validation:MaxLength=64
	Max string `json:"max"`
}

// Ends reports whether the rule ends at 100%, and does not hold a share.
func (r *Rule) Ends() bool { return r.Weight == 0 && r.Match == nil }

// Names reports whether the rule's glob matches a branch or tag of a short name.
func (r *Rule) Names(short string) bool {
	matched, err := path.Match(r.Refs, short)
	return err == nil && matched
}

// RuleFor is the first rule that names a ref and can be for it; nil if none is.
// Rules that end at 100% are for the production ref, holding ones for all other
// branches.
func (s *AppSpec) RuleFor(ref string) *Rule {
	short, branch := ShortRef(ref), strings.HasPrefix(ref, "refs/heads/")
	for i := range s.Release {
		r := &s.Release[i]
		if !r.Names(short) {
			continue
		}
		if r.Ends() == (ref == s.ProductionRef) && (branch || r.Ends()) {
			return r
		}
	}
	return nil
}

// ShortRef is a ref as people write it: main, v1.2.0.
func ShortRef(ref string) string {
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		if short, is := strings.CutPrefix(ref, prefix); is {
			return short
		}
	}
	return ref
}
