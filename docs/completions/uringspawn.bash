# Completion of uringspawn and uringspawnd for bash.  Commands and options are those that
# --help names, so that they are always those of the program that is there.

# Words of --help: of the program, or of one of its commands.
_uringspawn_help() {
	"${COMP_WORDS[0]/#\~/$HOME}" "$@" --help 2>/dev/null
}

# The program's, or those of its command $1.
_uringspawn_commands() {
	_uringspawn_help "$@" | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'
}

_uringspawn_options() {
	_uringspawn_help "$@" | grep -oE -- '(^|[^a-z0-9-])--[a-z][a-z0-9-]*' | grep -oE -- '--.*'
}

# Pools of the default daemon.
_uringspawn_pools() {
	"${COMP_WORDS[0]/#\~/$HOME}" pool ls 2>/dev/null | sed -n '2,$s/ .*//p'
}

# Whether option $1 of command $2 (none: of the program), of one or two words, is followed by
# a value.
_uringspawn_takes_value() {
	_uringspawn_help $2 | grep -qE -- "$1(, --[a-z0-9-]+)? ([A-Z[]|[a-z]+[|,])"
}

# What may follow option $1.
_uringspawn_value() {
	case $1 in
	--socket | --config | --output | -o | --joblog | --arg-file | -a | \
		--stdin | --stdout | --stderr | --cgroup-path)
		COMPREPLY=($(compgen -f -- "$cur")) ;;
	--cwd | --results) COMPREPLY=($(compgen -d -- "$cur")) ;;
	--user | --allow-uid) COMPREPLY=($(compgen -u -- "$cur")) ;;
	--group | --allow-gid) COMPREPLY=($(compgen -g -- "$cur")) ;;
	--env) COMPREPLY=($(compgen -e -S = -- "$cur")) ;;
	--unset) COMPREPLY=($(compgen -e -- "$cur")) ;;
	--pool) COMPREPLY=($(compgen -W "$(_uringspawn_pools)" -- "$cur")) ;;
	--live-program) COMPREPLY=($(compgen -c -- "$cur")) ;;
	*) COMPREPLY=($(compgen -W "$(_uringspawn_words "$1")" -- "$cur")) ;;
	esac
}

_uringspawn_words() {
	case $1 in
	--signal | -s | --ignore) echo HUP INT QUIT KILL USR1 USR2 TERM CONT STOP ;;
	--policy) echo shared round-robin least-loaded random all ;;
	--request) echo run spawn ;;
	--stdio) echo null pipe ;;
	--tables) echo auto shared private ;;
	--backend) echo tp raw ;;
	--compare) echo self ;;
	--gone) echo kill keep release ;;
	--answer) echo lines exit ;;
	--kind) echo standby worker ;;
	--order) echo fifo lifo ;;
	--kill-target | --target) echo group process tree ;;
	--halt) echo now,fail= soon,fail= now,success= soon,success= now,done= soon,done= ;;
	--log-level) echo error warning notice info debug ;;
	--rlimit) echo as= core= cpu= data= fsize= memlock= nofile= nproc= stack= ;;
	--pid | -p) command ps -eo pid= ;;
	esac
}

# Where the first word is that is neither an option nor its value, or 0: from word $1 on, of
# command $2.
_uringspawn_first() {
	local i
	for ((i = $1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) echo $((i + 1)) && return ;;
		-*) _uringspawn_takes_value "${COMP_WORDS[i]}" "$2" && ((i++)) ;;
		*) echo $i && return ;;
		esac
	done
	echo 0
}

# A program and its arguments, from word $1 on, as if they stood alone.
_uringspawn_program() {
	if ((COMP_CWORD == $1)); then
		COMPREPLY=($(compgen -c -- "$cur"))
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	else
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}

# A command's options, and then a program: $1 is the command, or empty, $2 where they begin.
_uringspawn_rest() {
	local first previous=${COMP_WORDS[COMP_CWORD - 1]}
	first=$(_uringspawn_first "$2" "$1")
	if ((first)); then
		_uringspawn_program "$first"
	elif ((COMP_CWORD > $2)) && [[ $previous == -* ]] &&
		_uringspawn_takes_value "$previous" "$1"; then
		_uringspawn_value "$previous"
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$(_uringspawn_options $1)" -- "$cur"))
	elif [[ $(_uringspawn_help $1) =~ (PROGRAM|COMMAND)\ \[ARGUMENTS ]]; then
		COMPREPLY=($(compgen -c -- "$cur"))
	fi
}

# A command of pools: most have the name of one before their options.
_uringspawn_pool() {
	case ${COMP_WORDS[2]} in
	ls | top) _uringspawn_rest "pool ${COMP_WORDS[2]}" 3 ;;
	*)
		if ((COMP_CWORD > 3)) || [[ $cur == -* ]]; then
			_uringspawn_rest "pool ${COMP_WORDS[2]}" $((COMP_CWORD > 3 ? 4 : 3))
		elif [[ ${COMP_WORDS[2]} != open ]]; then
			COMPREPLY=($(compgen -W "$(_uringspawn_pools)" -- "$cur"))
		fi
		;;
	esac
}

_uringspawn() {
	local cur=${COMP_WORDS[COMP_CWORD]}
	COMPREPLY=()
	if ((COMP_CWORD > 2)) && [[ ${COMP_WORDS[1]} == pool ]]; then
		_uringspawn_pool
	elif ((COMP_CWORD == 2)) && [[ ${COMP_WORDS[1]} == pool && $cur != -* ]]; then
		COMPREPLY=($(compgen -W "$(_uringspawn_commands pool)" -- "$cur"))
	elif ((COMP_CWORD > 1)); then
		_uringspawn_rest "${COMP_WORDS[1]}" 2
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W '--help --version' -- "$cur"))
	else
		COMPREPLY=($(compgen -W "$(_uringspawn_commands)" -- "$cur"))
	fi
}

_uringspawnd() {
	local cur=${COMP_WORDS[COMP_CWORD]}
	COMPREPLY=()
	_uringspawn_rest '' 1
}

complete -F _uringspawn uringspawn
complete -F _uringspawnd uringspawnd
