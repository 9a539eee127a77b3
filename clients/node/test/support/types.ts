import cp, { spawn, exec, ChildProcess, configure, stats, passesDescriptors } from 'uringspawn';
import 'uringspawn/register';

const child: ChildProcess = spawn('x', ['y'], { cwd: '/' });
child.stdout?.pipe(process.stdout);
exec('x', (error, stdout: string) => stdout);
configure({ daemon: '/x' });
export const relayed: number = stats().relayed;
export const passes: boolean = passesDescriptors();
cp.execSync('x').toString();
// @ts-expect-error: there is no such option
configure({ nonsense: 1 });
