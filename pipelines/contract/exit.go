package contract

// ExitPassing is the exit code of a step that failed at something which may pass,
// such as a registry that is away: the build is tried again. It is EX_TEMPFAIL of
// sysexits.h.
const ExitPassing = 75
