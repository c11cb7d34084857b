package tool

// Passing is a failure that another attempt may cure, also later: of the network,
// or of a server that is away.
type Passing struct{ Err error }

// Error is that of Err.
func (p *Passing) Error() string { return p.Err.Error() }

// Unwrap returns Err.
func (p *Passing) Unwrap() error { return p.Err }
