{{/* What several manifests of the server need to agree on. */}}

{{- define "dcr.serverTls" -}}
{{- if ne .Values.server.tls.mode "none" }}true{{ end -}}
{{- end -}}

{{- define "dcr.serverIssuer" -}}
{{- if .Values.server.issuer -}}
{{- .Values.server.issuer -}}
{{- else if include "dcr.serverTls" . -}}
{{- printf "https://%s.%s.svc" (include "dcr.serverName" .) .Release.Namespace -}}
{{- else -}}
{{- fail "server.tls.mode none needs server.issuer: the https URL under which clients reach what ends TLS" -}}
{{- end -}}
{{- end -}}

{{- define "dcr.serverPort" -}}
{{- ternary 8443 8080 (eq (include "dcr.serverTls" .) "true") -}}
{{- end -}}

{{- define "dcr.tlsSecret" -}}
{{- if eq .Values.server.tls.mode "secret" -}}
{{- required "server.tls.mode secret needs server.tls.secretName" .Values.server.tls.secretName -}}
{{- else -}}
{{- printf "%s-tls" (include "dcr.serverName" .) -}}
{{- end -}}
{{- end -}}

{{- define "dcr.encryptionKeySecret" -}}
{{- default (printf "%s-encryption-key" (include "dcr.serverName" .)) .Values.server.encryptionKey.existingSecret -}}
{{- end -}}

{{- define "dcr.initialAccessTokenSecret" -}}
{{- default (printf "%s-initial-access-token" (include "dcr.serverName" .)) .Values.server.initialAccessToken.existingSecret -}}
{{- end -}}
