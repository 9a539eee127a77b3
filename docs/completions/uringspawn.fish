# Completion of uringspawn and uringspawnd for fish.  Commands and options are those that
# --help names, so that they are always those of the program that is there.

function __uringspawn_help
    set -l words (commandline -opc)
    set -l program $words[1]
    if string match -q '*uringspawnd' -- $program
        command $program --help 2>/dev/null
    else if test "$words[2]" = pool; and set -q words[3]; and not string match -q -- '-*' $words[3]
        command $program pool $words[3] --help 2>/dev/null
    else if set -q words[2]; and not string match -q -- '-*' $words[2]
        command $program $words[2] --help 2>/dev/null
    else
        command $program --help 2>/dev/null
    end
end

# The program's, or those of its command $argv.
function __uringspawn_commands
    set -l words (commandline -opc)
    command $words[1] $argv --help 2>/dev/null |
        string replace -rf '^  ([a-z]+)  +(.*)$' '$1\t$2'
end

# Pools of the default daemon.
function __uringspawn_pools
    set -l words (commandline -opc)
    command $words[1] pool ls 2>/dev/null | string replace -r ' .*' '' | tail -n +2
end

function __uringspawn_options
    __uringspawn_help | string match -rag '(?<![a-z0-9-])(--[a-z][a-z0-9-]*)' | sort -u
end

# Whether option $argv[1] is followed by a value.
function __uringspawn_takes_value
    __uringspawn_help | string match -rq -- $argv[1]'(, --[a-z0-9-]+)? ([A-Z\[]|[a-z]+[|,])'
end

# "command", "pool" (its command), "name of open" and the like, "option", "begin" (of a program), "program" (its arguments), or the option whose value is to come.
function __uringspawn_state
    set -l words (commandline -opc)
    set -l i 2
    if not string match -q '*uringspawnd' -- $words[1]
        if not set -q words[2]
            echo command
            return
        end
        set i 3
        if test "$words[2]" = pool
            if not set -q words[3]
                echo pool
                return
            end
            set i 4
            if not contains -- $words[3] ls top; and not string match -q -- '-*' "$words[3]"
                if not set -q words[4]; and not string match -q -- '-*' (commandline -ct)
                    echo "name of $words[3]"
                    return
                end
                set i 5
            end
        end
    end
    while set -q words[$i]
        switch $words[$i]
            case --
                if set -q words[(math $i + 1)]
                    echo program
                else
                    echo begin
                end
                return
            case '-*'
                if __uringspawn_takes_value $words[$i]
                    set i (math $i + 1)
                    if not set -q words[$i]
                        echo $words[-1]
                        return
                    end
                end
            case '*'
                echo program
                return
        end
        set i (math $i + 1)
    end
    echo option
end

function __uringspawn_complete
    set -l state (__uringspawn_state)
    set -l current (commandline -ct)
    switch $state
        case command
            __uringspawn_commands
            printf '%s\n' --help --version
        case pool
            if string match -q -- '-*' $current
                __uringspawn_options
            else
                __uringspawn_commands pool
            end
        case 'name of open'
        case 'name of *' --pool
            __uringspawn_pools
        case option
            if string match -q -- '-*' $current
                __uringspawn_options
            else if __uringspawn_help | string match -rq '(PROGRAM|COMMAND) \[ARGUMENTS'
                __fish_complete_command
            end
        case begin
            __fish_complete_command
        case program
            __fish_complete_path $current
        case --socket --config --output -o --joblog --arg-file -a --stdin --stdout --stderr --cgroup-path
            __fish_complete_path $current
        case --cwd --results
            __fish_complete_directories $current
        case --user --allow-uid
            __fish_complete_users
        case --group --allow-gid
            __fish_complete_groups
        case --unset
            set -xn
        case --env
            set -xn | string replace -r '$' =
        case --live-program
            __fish_complete_command
        case --signal -s --ignore
            printf '%s\n' HUP INT QUIT KILL USR1 USR2 TERM CONT STOP
        case --policy
            printf '%s\n' shared round-robin least-loaded random all
        case --request
            printf '%s\n' run spawn
        case --stdio
            printf '%s\n' null pipe
        case --tables
            printf '%s\n' auto shared private
        case --backend
            printf '%s\n' tp raw
        case --compare
            echo self
        case --answer
            printf '%s\n' lines exit
        case --kind
            printf '%s\n' standby worker
        case --order
            printf '%s\n' fifo lifo
        case --gone
            printf '%s\n' kill keep release
        case --kill-target --target
            printf '%s\n' group process tree
        case --halt
            printf '%s\n' {now,soon},{fail,success,done}=
        case --log-level
            printf '%s\n' error warning notice info debug
        case --rlimit
            printf '%s=\n' as core cpu data fsize memlock nofile nproc stack
        case --pid -p
            __fish_complete_pids
    end
end

complete -c uringspawn -f -a '(__uringspawn_complete)'
complete -c uringspawnd -f -a '(__uringspawn_complete)'
