package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Health says how to see that an application is up and stays so.
type Health struct {
	// Path answers 2xx or 3xx when the application can take requests. Default:
	// none; the port accepts connections.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^/`
	// +kubebuilder:validation:MaxLength=1024
	Path string `json:"path,omitempty"`

	// Hold is how long a build that was never seen healthy must keep
	// answering before it takes the traffic of a healthy revision. A restart
	// of its container starts it anew. Default: 2s; 0s is none.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('10m')",message="health.hold must be between 0s and 10m"
	Hold *metav1.Duration `json:"hold,omitempty"`

	// Settle is how long a revision must serve without a crash, and without
	// many more bad answers than its predecessor, until the predecessor is let
	// go. Until then a revision that fails gives the traffic back. Default:
	// 2m; 0s is none.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('24h')",message="health.settle must be between 0s and 24h"
	Settle *metav1.Duration `json:"settle,omitempty"`
}

// Defaults of Health.
const (
	DefaultHold   = 2 * time.Second
	DefaultSettle = 2 * time.Minute
)

// HealthPath is health.path; empty: the port accepts connections.
func (r *Runtime) HealthPath() string {
	if r.Health == nil {
		return ""
	}
	return r.Health.Path
}

// Hold is health.hold or its default.
func (r *Runtime) Hold() time.Duration {
	if r.Health == nil || r.Health.Hold == nil {
		return DefaultHold
	}
	return r.Health.Hold.Duration
}

// Settle is health.settle or its default.
func (r *Runtime) Settle() time.Duration {
	if r.Health == nil || r.Health.Settle == nil {
		return DefaultSettle
	}
	return r.Health.Settle.Duration
}

// Crash is the end of an application's process that nobody asked for, whatever
// its exit code.
type Crash struct {
	// Container that ended, by its ID: one that is started again has another.
	Container string `json:"container"`
	// SeenAt is when the controller learned of it.
	SeenAt metav1.MicroTime `json:"seenAt"`
	// Message says how it ended, with the last lines of its log.
	Message string `json:"message"`
}
