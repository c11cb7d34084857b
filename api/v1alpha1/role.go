package v1alpha1

// Role of a revision; empty: it has no part in promotion.
func (s *AppStatus) Role(revision string) Role {
	if r := s.Revision(revision); r != nil {
		return r.Role
	}
	return ""
}

// Revision returns what promotion remembers of a revision; nil if that is
// nothing.
func (s *AppStatus) Revision(name string) *RevisionRole {
	for i := range s.Revisions {
		if s.Revisions[i].Name == name {
			return &s.Revisions[i]
		}
	}
	return nil
}
