package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API group and version of every type in this package.
var GroupVersion = schema.GroupVersion{Group: "headway.dev", Version: "v1alpha1"}

// AddToScheme registers the types of this package.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&Repository{}, &RepositoryList{},
		&App{}, &AppList{},
		&Revision{}, &RevisionList{},
		&Route{}, &RouteList{},
		&Channel{}, &ChannelList{},
		&Subscription{}, &SubscriptionList{},
		&Source{}, &SourceList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
