package v1alpha1

// Condition types. They follow kstatus: Ready is True when the object is what
// its spec asks for, False with a reason and a message that says what to
// change when it cannot be, Unknown while it is on its way.
const (
	// ConditionReady summarises every kind.
	ConditionReady = "Ready"
	// ConditionSpecValid is False while the newest headway.yaml cannot be
	// used. On Repository and App.
	ConditionSpecValid = "SpecValid"
	// ConditionComplete is False while a Repository is followed without a part
	// of it that is optional, such as a branch of many. On Repository.
	ConditionComplete = "Complete"
	// ConditionForge is True while the forge of a Repository answers and gives all
	// rights that are needed. On Repository.
	ConditionForge = "Forge"
	// ConditionBuilt is True when a Revision has its image.
	ConditionBuilt = "Built"
	// ConditionServing is True while a Route sends traffic to a Revision.
	ConditionServing = "Serving"
	// ConditionPromoting is True while the head of production is on its way to all
	// of the traffic by its rule, and False when it was taken back. On App.
	ConditionPromoting = "Promoting"
	// ConditionPrepared is True from when the setup of a preview has succeeded on:
	// no pod of it starts before. On App, where there is a setup.
	ConditionPrepared = "Prepared"
)

// Reasons on a Repository; Waiting is one too, and WaitingForSlot, of a look. SecretInvalid is one of Built, too.
const (
	ReasonSynced               = "Synced"
	ReasonFetching             = "Fetching"
	ReasonSuspended            = "Suspended"
	ReasonUnreachable          = "Unreachable"
	ReasonAuthenticationFailed = "AuthenticationFailed"
	ReasonHostKeyUnknown       = "HostKeyUnknown"
	ReasonSecretInvalid        = "SecretInvalid"
	ReasonRepositoryNotFound   = "RepositoryNotFound"
	ReasonEmptyRepository      = "EmptyRepository"
	ReasonBranchNotFound       = "BranchNotFound"
	ReasonNoSpecFile           = "NoSpecFile"
	ReasonTooLarge             = "TooLarge"
	ReasonInvalidURL           = "InvalidURL"
	ReasonFetchFailed          = "FetchFailed"
	// ReasonDiskFailed: the watcher's own disk is full, read-only or broken.
	ReasonDiskFailed = "DiskFailed"
	// ReasonStale: it was not looked at for long.
	ReasonStale = "Stale"
	// ReasonQuarantined: the watcher died, more than once, while it read it.
	ReasonQuarantined = "Quarantined"
)

// Reasons of Complete, on a Repository.
const (
	ReasonNothingOmitted = "NothingOmitted"
	ReasonTooManyRefs    = "TooManyRefs"
	ReasonInvalidRefs    = "InvalidRefs"
	ReasonRefUnreadable  = "RefUnreadable"
	ReasonRefused        = "Refused"
	// ReasonTooManySpecFiles is one of SpecValid, on an App, too.
	ReasonTooManySpecFiles = "TooManySpecFiles"
)

// Reasons of Forge, on a Repository; Unreachable, AuthenticationFailed,
// SecretInvalid, InvalidURL, RepositoryNotFound and Refused are some, too.
const (
	ReasonConnected = "Connected"
	// ReasonRightMissing: the message names the right, and what fails without it.
	ReasonRightMissing = "RightMissing"
	// ReasonRateLimited: the forge refuses for now.
	ReasonRateLimited = "RateLimited"
	// ReasonForgeUnknown: the server of url is none that is known.
	ReasonForgeUnknown = "ForgeUnknown"
)

// Reasons of SpecValid, on Repository and App; TooLarge is one too.
const (
	ReasonValid         = "Valid"
	ReasonInvalidSpec   = "InvalidSpec"
	ReasonNameConflict  = "NameConflict"
	ReasonPinNotFound   = "PinNotFound"
	ReasonNoTemplateFit = "NoTemplateFit"
	// ReasonNoRoom: the sources that wait for their builds use up a quota.
	ReasonNoRoom = "NoRoom"
	// ReasonSourceIncomplete: files that the app is built from cannot be had.
	ReasonSourceIncomplete = "SourceIncomplete"
	// ReasonRenamed and ReasonFileMissing: no headway.yaml names the App any
	// more, and it goes on serving until its successor does, or until it is
	// sure that there is none.
	ReasonRenamed     = "Renamed"
	ReasonFileMissing = "FileMissing"
	// ReasonUnsigned: the commit is not signed by one of the keys that count.
	ReasonUnsigned = "Unsigned"
	// ReasonNotAllowed: a pull request asks for what only production decides.
	ReasonNotAllowed = "NotAllowed"
	// ReasonNoRelease: tags are released, and none can be. All else of the file
	// is followed.
	ReasonNoRelease = "NoRelease"
)

// Reasons on a Revision.
const (
	ReasonBuilding              = "Building"
	ReasonQueued                = "Queued"
	ReasonInsufficientResources = "InsufficientResources"
	// ReasonWaitingForSlot: as many builds as may are under way; the message says
	// how many start before this one.
	ReasonWaitingForSlot = "WaitingForSlot"
	// ReasonTryingAgain: the build failed at something that may pass, and is tried
	// again after a pause.
	ReasonTryingAgain      = "TryingAgain"
	ReasonBuildSucceeded   = "BuildSucceeded"
	ReasonImageReused      = "ImageReused"
	ReasonImageProvided    = "ImageProvided"
	ReasonBuildFailed      = "BuildFailed"
	ReasonSuperseded       = "Superseded"
	ReasonTemplateNotFound = "TemplateNotFound"
	ReasonInvalidArgs      = "InvalidArgs"
	ReasonStarting         = "Starting"
	ReasonSameAsLive       = "SameAsLive"
	ReasonHolding          = "Holding"
	ReasonRunning          = "Running"
	ReasonIdle             = "Idle"
	ReasonNotBuilt         = "NotBuilt"
	ReasonStartFailed      = "StartFailed"
	ReasonReferenceMissing = "ReferenceMissing"
	ReasonReceivingTraffic = "ReceivingTraffic"
	ReasonNoTraffic        = "NoTraffic"
)

// Reasons on an App and a Route.
const (
	ReasonLive            = "Live"
	ReasonPinned          = "Pinned"
	ReasonWaiting         = "Waiting"
	ReasonNewestFailed    = "NewestFailed"
	ReasonSettling        = "Settling"
	ReasonRolledBack      = "RolledBack"
	ReasonNoReadyRevision = "NoReadyRevision"
	ReasonHostConflict    = "HostConflict"
	ReasonHostNotAllowed  = "HostNotAllowed"
	ReasonRouted          = "Routed"
)

// Reasons of Prepared, on an App; Waiting is one, too. Those that are not True are
// reasons of Ready on its Revisions.
const (
	ReasonSetUp       = "SetUp"
	ReasonSettingUp   = "SettingUp"
	ReasonSetupFailed = "SetupFailed"
)

// Reasons of Promoting, on an App; RolledBack, Waiting and Idle are some, too.
const (
	ReasonStepping = "Stepping"
	ReasonHeld     = "Held"
	ReasonFrozen   = "Frozen"
	ReasonApproval = "Approval"
)

// Reasons on a Channel; SecretNotFound is one, too.
const (
	ReasonAccepting = "Accepting"
	// ReasonFull: there is no room for more events. ReasonDiskLow: the disk that
	// all channels share has too little.
	ReasonFull    = "Full"
	ReasonDiskLow = "DiskLow"
	// ReasonEventsLost: events are accepted, and some that were are gone.
	ReasonEventsLost  = "EventsLost"
	ReasonUnhealthy   = "Unhealthy"
	ReasonInvalidName = "InvalidName"
)

// Reasons on a Subscription; HostConflict is one, too.
const (
	ReasonDelivering = "Delivering"
	// ReasonPaused: the spec asks for it.
	ReasonPaused = "Paused"
	// ReasonTargetFailing: nothing is delivered for now, as the target has failed
	// again and again.
	ReasonTargetFailing = "TargetFailing"
	ReasonFilterInvalid = "FilterInvalid"
	// ReasonChannelNotFound: one that the spec names does not exist.
	ReasonChannelNotFound = "ChannelNotFound"
	ReasonAppNotFound     = "AppNotFound"
)

// Reasons on a Source; ChannelNotFound and Paused are some, too.
const (
	// ReasonTaking: events are taken as they come.
	ReasonTaking = "Taking"
	// ReasonSourceInvalid: the spec asks for what cannot be, such as a time zone
	// that does not exist.
	ReasonSourceInvalid = "SourceInvalid"
	// ReasonSecretNotFound: a Secret or a key of it is missing.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSourceFailing: the other side refuses or does not answer. It is asked
	// again.
	ReasonSourceFailing = "SourceFailing"
	// ReasonChannelRefuses: the Channel takes no events for now.
	ReasonChannelRefuses = "ChannelRefuses"
)
