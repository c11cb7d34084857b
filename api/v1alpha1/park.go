package v1alpha1

// A parked pod runs the program park in the place of its application. What a
// pod's template, the program and those who wake it agree on is here.
const (
	// StandbyParked is the value of LabelStandby while a pod waits. The standby
	// Deployment of a revision, StandbyName, counts pods with this value, so
	// that one that is woken leaves it and is replaced.
	StandbyParked = "parked"
	// StandbyWoken is the value after the pod was woken. It is owned by the
	// Revision then, and counts as one of its pods.
	StandbyWoken = "woken"

	// ParkPort is where a parked pod takes its wake call. It is closed once the
	// application runs.
	ParkPort = 8013
	// ParkPath is where the image with the program is mounted.
	ParkPath = "/.headway"
	// ParkProgram is the command of a parked pod; its arguments are the
	// application's command.
	ParkProgram = ParkPath + "/headway/park"

	// EnvParkPod tells the program the UID of its pod, which a wake call must
	// be signed for. The application does not see it.
	EnvParkPod = "HEADWAY_PARK_POD"
	// EnvParkKey tells the program the Ed25519 public key, in base64, that
	// wake calls are checked with. The application does not see it.
	EnvParkKey = "HEADWAY_PARK_KEY"

	// ParkSecret in Headway's namespace has the key pair for wake calls, in
	// base64: ParkPrivateKey, the 32 bytes of an Ed25519 seed, and
	// ParkPublicKey.
	ParkSecret     = "headway-park"
	ParkPrivateKey = "private"
	ParkPublicKey  = "public"
)

// StandbyName is the name of the Deployment with a revision's parked pods.
func StandbyName(revision string) string { return revision + "-standby" }
