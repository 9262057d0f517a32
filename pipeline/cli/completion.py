r"""``image-pipeline completion``: the script that teaches a shell to complete commands.

The scripts ask the command itself, with what was typed so far in ``COMP_WORDS`` and which word it
is about in ``COMP_CWORD``, and click answers (`click.shell_completion`): a line ``KIND,VALUE`` for
bash; ``KIND,VALUE\tHELP`` for fish; three lines, the last one ``_`` or help, for zsh. KIND is
``plain``, ``file`` or ``dir``, and the shell itself completes the latter two. The scripts are not
click's own, which do not know what to do with ``--option=VALUE``.
"""

from typing import Final

import click

from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Command

_BASH: Final = """\
_image_pipeline() {
    local -a words=()
    local index kind value cword=$COMP_CWORD
    # bash has three words for --option=VALUE, and wants the last one completed.
    for index in "${!COMP_WORDS[@]}"; do
        if ((index < COMP_CWORD)) && [[ ${COMP_WORDS[index]} == = ]]; then
            ((cword--))
        else
            words+=("${COMP_WORDS[index]}")
        fi
    done
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
        esac
    done < <(env COMP_WORDS="${words[*]}" COMP_CWORD="$cword" \\
        _IMAGE_PIPELINE_COMPLETE=bash_complete image-pipeline)
}

complete -o nosort -F _image_pipeline image-pipeline
"""

_ZSH: Final = """\
#compdef image-pipeline

_image_pipeline() {
    local -a answer plain described
    local kind value help
    answer=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) \\
        _IMAGE_PIPELINE_COMPLETE=zsh_complete image-pipeline)}")
    # Only VALUE of --option=VALUE is completed; what stands before it stays.
    [[ $PREFIX == --*=* ]] && compset -P 1 '*='
    for kind value help in "$answer[@]"; do
        case $kind in
            plain)
                if [[ $help == _ ]]; then
                    plain+=("$value")
                else
                    described+=("$value:$help")
                fi
                ;;
            file) _path_files ;;
            dir) _path_files -/ ;;
        esac
    done
    (( $#described )) && _describe -V answers described
    (( $#plain )) && compadd -V answers -a plain
}

if (( $+compstate )); then
    # A file of a folder in fpath: it runs whenever something is to be completed.
    _image_pipeline "$@"
else
    compdef _image_pipeline image-pipeline
fi
"""

_FISH: Final = """\
function __image_pipeline_complete
    set -l line (commandline -cp)
    set -l word (commandline -ct)
    # fish wants what stands before VALUE of --option=VALUE back.
    set -l option (string match --regex -- '^--[^=]+=' $word)
    for answer in (env COMP_WORDS="$line" COMP_CWORD="$word" \\
            _IMAGE_PIPELINE_COMPLETE=fish_complete image-pipeline)
        set -l parts (string split --max 1 , $answer)
        switch $parts[1]
            case plain
                echo "$option$parts[2]"
            case file
                for path in (__fish_complete_path $parts[2])
                    echo "$option$path"
                end
            case dir
                for path in (__fish_complete_directories $parts[2])
                    echo "$option$path"
                end
        end
    end
end

complete --no-files --command image-pipeline --arguments '(__image_pipeline_complete)'
"""

SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
"""A script for each shell that can be taught."""


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
@pass_context
def completion(context: Context, shell: str) -> None:
    """Print a script that completes commands and options in SHELL.

    \b
    bash:  image-pipeline completion bash > /etc/bash_completion.d/image-pipeline
    zsh:   image-pipeline completion zsh > ~/.zfunc/_image-pipeline
    fish:  image-pipeline completion fish > ~/.config/fish/completions/image-pipeline.fish
    """
    context.data(SCRIPTS[shell])
