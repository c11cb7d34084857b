package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RunName is the form of the name of a redrive or a replay.
const RunName = `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`

// EventRedrive delivers what DeadLetter has of the Subscription, up to when it
// begins, without the attributes of a dead letter. What fails again becomes a dead
// letter again.
type EventRedrive struct {
	// Name: another one runs it again.
	//
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`
	Name string `json:"name"`
	// Filter that a dead letter must pass; the attributes headwaydead… are there.
	//
	// +optional
	Filter *EventFilter `json:"filter,omitempty"`
	// Again: also those that an earlier redrive has delivered.
	//
	// +optional
	Again bool `json:"again,omitempty"`
}

// EventReplay delivers what Channel has from From on, up to when it begins or to
// Until.
type EventReplay struct {
	// Name: another one runs it again.
	//
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`
	Name string `json:"name"`
	// From is earliest, a time as RFC 3339, or id:<id of an event>.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == 'earliest' || self.startsWith('id:') || self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$')",message="from must be earliest, a time such as 2026-05-04T12:00:00Z, or id: and the id of an event"
	From string `json:"from"`
	// Until is a time as RFC 3339; absent: when the replay begins.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$`
	Until string `json:"until,omitempty"`
	// Filter in the place of the Subscription's; absent: that one.
	//
	// +optional
	Filter *EventFilter `json:"filter,omitempty"`
	// App, such as a preview, in the place of the Subscription's.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	App string `json:"app,omitempty"`
	// Commit, or the name of a Revision, of the App that alone gets the events.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Revision string `json:"revision,omitempty"`
}

// RunState is what has become of a redrive or a replay.
//
// +kubebuilder:validation:Enum=Waiting;Running;Done;Failed
type RunState string

const (
	// RunWaiting: it begins, or goes on, when what Message names is there.
	RunWaiting RunState = "Waiting"
	// RunRunning: it delivers.
	RunRunning RunState = "Running"
	// RunDone: all its events are delivered or dead letters.
	RunDone RunState = "Done"
	// RunFailed: it cannot begin, as Message says; nothing was delivered.
	RunFailed RunState = "Failed"
)

// EventRun is how a redrive or a replay goes.
type EventRun struct {
	// Name of the spec.
	Name  string   `json:"name"`
	State RunState `json:"state"`
	// Message says why it has failed or waits, else what else there is to know, such
	// as events that the Channel does not keep any more.
	//
	// +optional
	Message string `json:"message,omitempty"`
	// Delivered, Filtered and Dead count events; Left is how many are not done with.
	//
	// +optional
	Delivered int64 `json:"delivered,omitempty"`
	// +optional
	Filtered int64 `json:"filtered,omitempty"`
	// +optional
	Dead int64 `json:"dead,omitempty"`
	// +optional
	Left int64 `json:"left,omitempty"`
	// Started and Finished are when.
	//
	// +optional
	Started *metav1.Time `json:"started,omitempty"`
	// +optional
	Finished *metav1.Time `json:"finished,omitempty"`
}
