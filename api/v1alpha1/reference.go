package v1alpha1

// Reference is a variable that takes its value from a Secret or ConfigMap.
//
// +kubebuilder:object:generate=false
type Reference struct {
	// Variable that asks for it.
	Variable string
	// Kind, Name and Key of what it is taken from.
	Kind, Name, Key string
}

// Object names what the reference leads to among those of one namespace.
func (r Reference) Object() string { return r.Kind + "/" + r.Name }

// References are those of a revision's variables, in the order in which the
// kubelet looks them up.
func (r *Runtime) References() []Reference { return references(r.Env) }

// References are those of the variables of a container.
func (c *ContainerSource) References() []Reference { return references(c.Env) }

func references(env []EnvVar) []Reference {
	var result []Reference
	for _, v := range env {
		switch {
		case v.Secret != nil:
			result = append(result, Reference{v.Name, "Secret", v.Secret.Name, v.Secret.Key})
		case v.Config != nil:
			result = append(result, Reference{v.Name, "ConfigMap", v.Config.Name, v.Config.Key})
		}
	}
	return result
}
