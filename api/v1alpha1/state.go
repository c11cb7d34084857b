package v1alpha1

// RevisionState names how far a revision is. It is worked out anew from what is
// observed each time.
//
//	state       when                                        Built               Ready
//	Queued      no image, the run is not there or waits,    Unknown Queued      Unknown NotBuilt
//	            or the registry of a given one is away
//	Building    no image, a step of the run has started     Unknown Building    Unknown NotBuilt
//	Superseded  no image, and nothing asks for one any more False   Superseded  False   Superseded
//	Failed      no image, and no run will bring one         False   <why>       False   NotBuilt
//	Built       the image is known, no Deployment yet       True    <how>       Unknown Starting
//	Same        the live one, or the one that is kept,      True                True    SameAsLive
//	            runs the same, no pods
//	Starting    too few pods are ready, for the first time  True                Unknown Starting
//	Failed      too few pods, and waiting will not help     True                False   <why>
//	Ready       enough pods are ready                       True                True    Running
//	Idle        was ready, and is asked to have no pod      True                True    Idle
//	Waking      was ready, and too few pods are             True                True    Starting
//
// Enough is one pod, or scale.min where the autoscaler asks for that many. A
// revision that was ready once stays so while it is scaled: activators hold a
// request until a pod is there. Parked pods count as no pods until they are
// woken; what is wrong with them changes a message and no state.
//
// Moves:
//
//	Queued -> Building -> Built -> Starting -> Ready -> Idle -> Waking -> Ready
//	Queued -> Built                the image of an equal build is there already
//	Built -> Same -> Starting      the live or kept one runs the same, until that is neither
//	Queued, Building -> Failed     the build failed; a retry leads back to Queued
//	Queued, Building -> Superseded a newer commit took the ref; when the ref comes
//	                               back, so does the build: Superseded -> Queued
//	Starting, Waking <-> Failed    a crash loop, a missing Secret; both may heal
//
// +kubebuilder:validation:Enum=Queued;Building;Superseded;Failed;Built;Same;Starting;Ready;Idle;Waking
type RevisionState string

// States of a revision.
const (
	StateQueued     RevisionState = "Queued"
	StateBuilding   RevisionState = "Building"
	StateSuperseded RevisionState = "Superseded"
	StateFailed     RevisionState = "Failed"
	StateBuilt      RevisionState = "Built"
	StateSame       RevisionState = "Same"
	StateStarting   RevisionState = "Starting"
	StateReady      RevisionState = "Ready"
	StateIdle       RevisionState = "Idle"
	StateWaking     RevisionState = "Waking"
)
