package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/kubectl"
	"github.com/headway-dev/headway/scaler/park"
)

// parkKeys are the keys that parked pods are woken with. They are made by the
// first installation and stay as long as their Secret does.
type parkKeys struct {
	park.KeyPair
	made bool // the Secret is not in the cluster yet
}

// findParkKeys reads the Secret of the cluster, or makes a new pair.
func findParkKeys(ctx context.Context, k kubectl.Kubectl) (parkKeys, error) {
	secret, err := k.Run(ctx, "", "get", "secret", v1alpha1.ParkSecret, "--namespace="+system, "--ignore-not-found", "--output=yaml")
	if err != nil {
		return parkKeys{}, err
	}
	return readParkKeys(secret)
}

// readParkKeys takes the Secret as YAML; empty: there is none.
func readParkKeys(secret string) (parkKeys, error) {
	if secret == "" {
		pair, err := park.NewKeyPair()
		return parkKeys{KeyPair: pair, made: true}, err
	}
	var found corev1.Secret
	if err := yaml.Unmarshal([]byte(secret), &found); err != nil {
		return parkKeys{}, fmt.Errorf("reading Secret %s: %w", v1alpha1.ParkSecret, err)
	}
	pair := park.KeyPair{Private: string(found.Data[v1alpha1.ParkPrivateKey]), Public: string(found.Data[v1alpha1.ParkPublicKey])}
	if err := pair.Check(); err != nil {
		return parkKeys{}, fmt.Errorf("the Secret %[1]s in %[2]s, whose keys wake parked pods, is broken: %[3]w.\n"+
			"Delete it and run this again, which makes a new one: kubectl delete secret %[1]s --namespace %[2]s", v1alpha1.ParkSecret, system, err)
	}
	return parkKeys{KeyPair: pair}, nil
}

// literals are the content of the Secret; none when it is in the cluster already.
func (k parkKeys) literals() []string {
	if !k.made {
		return nil
	}
	return []string{v1alpha1.ParkPrivateKey + "=" + k.Private, v1alpha1.ParkPublicKey + "=" + k.Public}
}
