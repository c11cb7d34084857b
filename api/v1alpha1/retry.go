package v1alpha1

// Retried is the mark that a person left last who asked for another try; empty
// if nobody has.
func (r *Revision) Retried() string { return r.Annotations[AnnotationRetriedAt] }

// RetryAsked reports whether a person asked for another try of the build that
// has not begun.
func (r *Revision) RetryAsked() bool {
	return r.Retried() != "" && (r.Status.Build == nil || r.Status.Build.Retried != r.Retried())
}
