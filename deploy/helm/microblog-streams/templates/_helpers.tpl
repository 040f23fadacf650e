{{- define "microblog.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "microblog.labels" -}}
app.kubernetes.io/name: microblog-streams
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* The labels by which pods of a role are selected. Call it with (dict "root" $ "role" "web"). */}}
{{- define "microblog.selector" -}}
app.kubernetes.io/name: microblog-streams
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "microblog.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "microblog.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The variables that a pod knows of itself, for a role. They win over the settings. */}}
{{- define "microblog.ownVariables" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
- name: MICROBLOG_WORKER
  value: $(POD_NAME)
- name: MICROBLOG_ROLES
  value: {{ .role }}
- name: MICROBLOG_WEB_HOST
  value: 0.0.0.0
- name: MICROBLOG_WEB_PORT
  value: "6066"
- name: MICROBLOG_DATA_DIR
  value: /data
{{- end -}}

{{- define "microblog.settingsFrom" -}}
- configMapRef:
    name: {{ .Release.Name }}-settings
- secretRef:
    name: {{ .Values.secretName }}
{{- end -}}

{{/* A worker is started again only if its process hangs: /ready and /health stay answered while Kafka or a store is away. */}}
{{- define "microblog.probes" -}}
startupProbe:
  httpGet: {path: /health, port: http}
  periodSeconds: 2
  failureThreshold: 150
readinessProbe:
  httpGet: {path: /ready, port: http}
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /health, port: http}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
{{- end -}}

{{- define "microblog.mounts" -}}
- name: data
  mountPath: /data
- name: tmp
  mountPath: /tmp
{{- range $folder, $secret := .Values.files }}
- name: files-{{ $folder }}
  mountPath: /etc/microblog/{{ $folder }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "microblog.volumes" -}}
- name: tmp
  emptyDir: {}
{{- range $folder, $secret := .Values.files }}
- name: files-{{ $folder }}
  secret:
    secretName: {{ $secret }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{- define "microblog.spread" -}}
topologySpreadConstraints:
{{- range tuple "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "microblog.selector" $ | nindent 8 }}
{{- end }}
{{- end -}}
