package cli

import "github.com/spf13/cobra"

// PushFlags are those of a command that shows what it is about to push, asks, and
// pushes it.
type PushFlags struct {
	Yes    Yes
	DryRun bool
	// Branch is production's; empty: that of the Repository where the cluster is
	// asked, else the default branch of the remote.
	Branch string
}

// Flags adds those that all of them have.
func (f *PushFlags) Flags(c *cobra.Command) {
	f.Yes.Flag(c)
	c.Flags().BoolVar(&f.DryRun, "dry-run", false, "show what would be made and pushed, and do nothing")
}

// BranchFlag adds --branch.
func (f *PushFlags) BranchFlag(c *cobra.Command) {
	c.Flags().StringVar(&f.Branch, "branch", "", "production branch (default: the default branch of the remote)")
}
