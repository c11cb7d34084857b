package revision

// State names how far a revision is. It is worked out anew from what is
// observed each time; only the conditions are kept.
//
//	state       when                                        Built               Ready
//	Queued      no image, the run is not there or waits     Unknown Queued      Unknown NotBuilt
//	Building    no image, a step of the run has started     Unknown Building    Unknown NotBuilt
//	Superseded  no image, and nothing asks for one any more False   Superseded  False   Superseded
//	Failed      no image, and no run will bring one         False   <why>       False   NotBuilt
//	Built       the image is known, no Deployment yet       True    <whence>    Unknown Starting
//	Starting    fewer pods are ready than wanted            True                Unknown Starting
//	Failed      the same, and waiting will not help         True                False   <why>
//	Ready       all wanted pods are ready                   True                True    Running
//
// Moves:
//
//	Queued -> Building -> Built -> Starting -> Ready <-> Starting
//	Queued -> Built                the image of an equal build is there already
//	Queued, Building -> Failed     the build failed; a retry leads back to Queued
//	Queued, Building -> Superseded a newer commit took the ref; when the ref comes
//	                               back, so does the build: Superseded -> Queued
//	Starting <-> Failed            a crash loop, a missing Secret; both may heal
type State string

// States of a revision.
const (
	Queued     State = "Queued"
	Building   State = "Building"
	Superseded State = "Superseded"
	Failed     State = "Failed"
	Built      State = "Built"
	Starting   State = "Starting"
	Ready      State = "Ready"
)
