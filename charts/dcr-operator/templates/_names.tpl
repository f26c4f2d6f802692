{{/* Names and labels. Every name fits 63 characters with the longest suffix that we add. */}}

{{- define "dcr.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "dcr.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "dcr.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "dcr.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Cluster-scoped names carry the namespace: two installs may bear the same release name. */}}
{{- define "dcr.clusterName" -}}
{{- printf "%s:%s" (include "dcr.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "dcr.serverName" -}}
{{- printf "%s-server" (include "dcr.fullname" .) -}}
{{- end -}}

{{- define "dcr.operatorServiceAccount" -}}
{{- $fallback := ternary (include "dcr.fullname" .) "default" .Values.operator.serviceAccount.create -}}
{{- default $fallback .Values.operator.serviceAccount.name -}}
{{- end -}}

{{/* (dict "root" $ "component" "operator") */}}
{{- define "dcr.selectorLabels" -}}
app.kubernetes.io/name: {{ include "dcr.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "dcr.labels" -}}
{{ include "dcr.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* (dict "root" $ "image" .Values.operator.image) */}}
{{- define "dcr.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end -}}
{{- end -}}

{{/* What the pod security standard "restricted" asks for, and a little more. */}}
{{- define "dcr.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "dcr.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where a pod may run, from .Values.operator or .Values.server. */}}
{{- define "dcr.placement" -}}
{{- $placement := dict }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with get $ $key }}{{ $_ := set $placement $key . }}{{ end }}
{{- end }}
{{- with $placement }}{{ toYaml . }}{{ end }}
{{- end -}}
